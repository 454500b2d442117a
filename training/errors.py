"""What the command line reports as one sentence, with exit code 2."""


class InputError(ValueError):
    """What the user gave cannot be used. The message names the thing, states the rule and offers the repair."""


class ParityError(RuntimeError):
    """An exported file does not answer as the PyTorch model does; nothing was written."""
