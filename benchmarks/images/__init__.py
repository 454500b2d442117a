"""The image models beside the same CNNs with plain heads, over seeds; ``python -m benchmarks.images``."""
