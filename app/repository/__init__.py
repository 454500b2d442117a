"""The model repository: scanned, verified, loaded, swapped."""
