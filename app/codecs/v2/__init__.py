"""The Open Inference Protocol V2 as Triton extends it: bytes to tensors, tensors to bytes, and what describes a model.

Nothing in here knows of routes; ``app.routes.v2`` joins these functions to their paths.
"""
