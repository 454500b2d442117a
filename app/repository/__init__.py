"""The model repository as it is served: scanned, checked, loaded, swapped."""
