"""Finds the version folders of a repository, and detects their changes."""

import errno
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.manifest import versions

Key = tuple[str, int]
"""Name and version."""
Fingerprint = tuple[tuple[str, int, int], ...]
Identity = tuple[int, int]
"""Device and inode. An empty mount point has others than the folder that was mounted on it; a folder that was emptied
keeps its own."""


@dataclass(frozen=True)
class Listing:
    """The folders of a repository at one time."""

    root: Path
    identity: Identity
    """Of the repository's folder."""
    folders: Mapping[Key, Path]
    """All ``<root>/<name>/<version>/``, by name and version."""
    models: Mapping[str, Identity]
    """The models' folders."""
    unreadable: Mapping[str, str]
    """Why the versions of a model cannot be listed, by its name."""


def list_repository(root: Path) -> Listing:
    """List all model and version folders.

    Raises:
        OSError: the folder cannot be listed, or another one took its place meanwhile.
    """
    identity = identity_of(root)
    folders, models, unreadable = {}, {}, {}
    with os.scandir(root) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    for name in names:
        folder = root / name
        try:
            models[name] = identity_of(folder)
            folders.update({(name, version): folder / str(version) for version in versions(folder)})
        except (FileNotFoundError, NotADirectoryError):  # a dangling link, or it was removed meanwhile
            continue
        except OSError as error:
            unreadable[name] = f"{folder} cannot be read: {error.strerror}."
    if identity_of(root) != identity:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(root))
    return Listing(root, identity, folders, models, unreadable)


def identity_of(folder: Path) -> Identity:
    """Which folder it is, whatever its content.

    Raises:
        OSError: it is not there.
    """
    status = folder.stat()
    return status.st_dev, status.st_ino


def fingerprint_of(folder: Path) -> Fingerprint:
    """Name, modification time and size of every file, which change with the folder's content."""
    try:
        with os.scandir(folder) as entries:  # thousands of folders are scanned, and a Path takes longer than its stat
            files = [(entry.name, entry.stat()) for entry in entries]
    except OSError:  # a file was removed meanwhile; the next scan decides
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))


def last_change(folder: Path) -> float:
    """When the folder or a file in it last changed, in seconds since 1970; copies with an old mtime are new."""
    try:
        return max(path.stat().st_ctime for path in (folder, *folder.iterdir()))
    except OSError:  # a file was removed meanwhile: the folder is changing
        return time.time()


def is_changing(folder: Path, fingerprint: Fingerprint, before: Fingerprint | None, settle_seconds: float) -> bool:
    """Whether the files have changed since the last scan, so that they may be about to change again.

    Args:
        folder: of a version.
        fingerprint: of its files.
        before: that of the last scan; None: it is new.
        settle_seconds: between two scans; 0: nothing can wait for the next.
    """
    if not settle_seconds:
        return False
    return time.time() - last_change(folder) < settle_seconds if before is None else before != fingerprint
