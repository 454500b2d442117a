"""Programs that train a model in a library's own environment, export it, and write down what the library answers."""
