"""The image models beside baselines with linear and MLP heads, over seeds; ``python -m benchmarks.images``."""
