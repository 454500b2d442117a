"""NVIDIA's Triton beside the service, on the same model repository."""
