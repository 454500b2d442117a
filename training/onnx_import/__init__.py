"""Turns anybody's ONNX file into a model of the repository; needs no PyTorch."""
