"""Models of other libraries, imported and asked over HTTP, beside the answers of the libraries themselves."""
