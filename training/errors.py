"""Errors that the command line reports as one sentence, and the warning about renamed options."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""No space on the disk, none in the user's quota, or a file over the limit of the process."""


class InputError(ValueError):
    """Unusable input, exit code 2. The message gives subject, value, rule and repair."""


class DivergedError(InputError):
    """A training whose loss or weights are not finite any more; nothing was written, exit code 2."""


class ParityError(RuntimeError):
    """An exported file does not compute what the PyTorch network does; nothing was written, exit code 1."""


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Within this context, an error of the disk names this path: writing to an open file names none."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def unwritable(folder: Path, error: OSError) -> InputError:
    """The error for a folder that results cannot be written to."""
    repair = "give a folder that can, or change its permissions"
    if error.errno in DISK_FULL:
        repair = "free space there, or give another folder"
    return InputError(f"{folder} cannot be written to ({error.strerror}); {repair}.")


def sentence_of(error: OSError) -> str:
    """An error of the disk as a sentence with the path and the repair."""
    if error.errno in DISK_FULL:
        return str(unwritable(Path(error.filename), error))
    return f"{error.filename}: {error.strerror}; check the path, its permissions and its disk."


@cache
def warn_renamed(old: str, new: str) -> None:
    """Print once that an option has a new name."""
    print(f"nalu-serve: {old} is called {new} now.", file=sys.stderr)
