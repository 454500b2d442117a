"""The Open Inference Protocol V2 with Triton's extensions: request bytes to tensors, tensors to response bytes."""
