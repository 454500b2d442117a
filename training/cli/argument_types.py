"""Types of arguments, and the option that most commands have."""

import argparse
from pathlib import Path


def add_repository(parser: argparse.ArgumentParser) -> None:
    """Add ``--repository``."""
    parser.add_argument(
        "--repository", type=Path, default=Path("repository"), help="model repository (default: %(default)s)"
    )


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return at_least(1, text)


def non_negative(text: str) -> int:
    """A whole number of at least 0."""
    return at_least(0, text)


def at_least(least: int, text: str) -> int:
    """A whole number of at least a limit.

    Raises:
        ArgumentTypeError: the text is none.
    """
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of at least {least}")
    return int(text)
