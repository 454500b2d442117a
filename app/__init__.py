"""Serves a model repository over HTTP. Needs neither PyTorch nor anything of ``training``."""
