"""Standard output and error as they are: a terminal of another encoding, a closed pipe, a full disk."""

import io
import os
import sys
from contextlib import suppress


def prepare() -> None:
    """Print a question mark for every character that a stream cannot encode, and nothing where there is no stream."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # as where it was closed by 2>&-
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def flush() -> None:
    """Write what is buffered now, while an error can still be handled, and not when Python ends."""
    sys.stdout.flush()


def discard() -> None:
    """Write nothing any more: the streams have failed, and Python flushes them once more when it ends."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
