"""Errors that the command line reports as one sentence."""


class InputError(ValueError):
    """Unusable input, exit code 2. The message names the thing, gives the value, states the rule, offers the repair."""


class ParityError(RuntimeError):
    """An exported file does not compute what the PyTorch network does; nothing was written, exit code 1."""
