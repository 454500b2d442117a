"""What the command line reports as one sentence, with exit code 2."""


class InputError(ValueError):
    """What the user gave cannot be used. The message names the thing, states the rule and offers the repair."""
