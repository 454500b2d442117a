"""Finds the version folders of a repository, and detects their changes."""

import time
from collections.abc import Iterator
from pathlib import Path

from models.manifest import versions

Key = tuple[str, int]
"""Name and version."""
Fingerprint = tuple[tuple[str, int, int], ...]


def version_folders(root: Path) -> Iterator[tuple[Key, Path]]:
    """All ``<root>/<name>/<version>/``, by name and version."""
    models = sorted(root.iterdir()) if root.is_dir() else []
    for folder in models:
        if not folder.name.startswith("."):
            try:
                numbers = versions(folder)
            except OSError:  # no permission: reading the manifest reports it
                numbers = [1]
            for version in numbers:
                yield (folder.name, version), folder / str(version)


def fingerprint_of(folder: Path) -> Fingerprint:
    """Name, modification time and size of every file, which change with the folder's content."""
    try:
        files = [(entry, entry.stat()) for entry in folder.iterdir()]
    except OSError:  # a file was removed meanwhile; the next scan decides
        return ()
    return tuple(sorted((entry.name, stat.st_mtime_ns, stat.st_size) for entry, stat in files))


def last_change(folder: Path) -> float:
    """When the folder or a file in it last changed, in seconds since 1970; copies with an old mtime are new."""
    try:
        return max(path.stat().st_ctime for path in (folder, *folder.iterdir()))
    except OSError:  # a file was removed meanwhile: the folder is changing
        return time.time()
