"""What ends a command, as a sentence for its user."""


class PredictError(ValueError):
    """A table cannot be read or written, or there is no such model."""


def first_line(error: Exception) -> str:
    """The first line of an error of Arrow's, without the dot at its end."""
    return str(error).strip().partition("\n")[0].rstrip(".")[:200]
