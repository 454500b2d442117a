"""The training loop, its state, and what can be added to it."""
