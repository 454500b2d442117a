"""The default models: how each is made."""
