"""Writes a file whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from training.errors import output_errors


def write_whole_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file beside its place, then rename it: whenever the process ends, it is the old one or the new one.

    Args:
        path: the file; its folder is made if it is missing.
        content: all of it.

    Raises:
        OSError: it cannot be written; with its path. The old one is left, and nothing beside it.
    """
    beside, is_new_folder = path.with_name(f".{path.name}.{os.getpid()}"), not path.parent.exists()
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_bytes(content)
            beside.replace(path)
        except BaseException:  # an interruption, too
            with suppress(OSError):
                beside.unlink(missing_ok=True)
                if is_new_folder:
                    path.parent.rmdir()
            raise
