"""What ends a command, as a sentence for its user."""


class PredictError(ValueError):
    """A table cannot be read or written, or there is no such model."""
