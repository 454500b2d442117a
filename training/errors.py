"""Errors that the command line reports as one sentence, and the warning about renamed options."""

import sys
from functools import cache


class InputError(ValueError):
    """Unusable input, exit code 2. The message gives subject, value, rule and repair."""


class ParityError(RuntimeError):
    """An exported file does not compute what the PyTorch network does; nothing was written, exit code 1."""


@cache
def warn_renamed(old: str, new: str) -> None:
    """Print once that an option has a new name."""
    print(f"nalu-serve: {old} is called {new} now.", file=sys.stderr)
