"""Image files with random bytes changed, through the service and the reader of training."""
