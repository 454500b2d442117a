"""Finds the version folders of a repository, and detects their changes."""

import errno
import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from models.manifest import MANIFEST_FILE, versions

Key = tuple[str, int]
"""Name and version."""
Fingerprint = tuple[tuple[str, int, int], ...]
Identity = tuple[int, int]
"""Device and inode. An empty mount point has others than the folder that was mounted on it; a folder that was emptied
keeps its own."""

DUE_MODELS = 64
"""Models that a scan reads again in full, in turn, although nothing suggests that they have changed."""
COARSEST_SECONDS = 2.0
"""Resolution of the times of folders on the coarsest disk: a later change may leave a time as it is for so long."""


@dataclass(frozen=True)
class ModelFolder:
    """The folder of a model at one time."""

    identity: Identity
    versions: Mapping[Key, Path]
    stamp: tuple[int, ...] | None
    """Changes when a version comes or goes; None: it may not, as the folder had just changed."""


@dataclass(frozen=True)
class Listing:
    """The folders of a repository at one time."""

    root: Path
    identity: Identity
    """Of the repository's folder."""
    folders: Mapping[Key, Path]
    """All ``<root>/<name>/<version>/``, by name and version."""
    models: Mapping[str, ModelFolder]
    unreadable: Mapping[str, str]
    """Why the versions of a model cannot be listed, by its name."""
    due: Collection[str]
    """Models whose folders were read although they had not changed, and whose files are to be."""
    scans: int = 0
    """That were made before, each with the listing of the last."""


def list_repository(root: Path, before: Listing | None = None) -> Listing:
    """List all model and version folders.

    Args:
        root: the repository.
        before: the last listing, so that only folders that have changed since are read, and those that are due; None:
            all are read.

    Raises:
        OSError: the folder cannot be listed, or another one took its place meanwhile.
    """
    identity = identity_of(root)
    with os.scandir(root) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    scans = before.scans + 1 if before else 0
    turns = max(1, ceil(len(names) / DUE_MODELS)) if before else 1
    due = frozenset(names[scans % turns :: turns])
    folders: dict[Key, Path] = {}
    models, unreadable = {}, {}
    for name in names:
        known = before.models.get(name) if before and name not in due else None
        try:
            models[name] = model = _list_model(root, name, known)
            folders.update(model.versions)
        except (FileNotFoundError, NotADirectoryError):  # a dangling link, or it was removed meanwhile
            continue
        except OSError as error:
            unreadable[name] = f"{root / name} cannot be read: {error.strerror}."
    if identity_of(root) != identity:
        raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(root))
    return Listing(root, identity, folders, models, unreadable, due, scans)


def _list_model(root: Path, name: str, before: ModelFolder | None) -> ModelFolder:
    """List the versions of a model, unless they are as they were before."""
    status = os.stat(f"{root}/{name}")  # noqa: PTH116 - thousands are scanned, and a Path takes longer than its stat
    stamp = status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns
    if before is not None and before.stamp == stamp:
        return before
    folder = root / name
    found = {(name, version): folder / str(version) for version in versions(folder)}
    settled = time.time() - max(status.st_mtime, status.st_ctime) > COARSEST_SECONDS
    return ModelFolder((status.st_dev, status.st_ino), found, stamp if settled else None)


def identity_of(folder: Path) -> Identity:
    """Which folder it is, whatever its content.

    Raises:
        OSError: it is not there.
    """
    status = folder.stat()
    return status.st_dev, status.st_ino


def fingerprint_of(folder: Path, trusted: Fingerprint | None = None) -> Fingerprint:
    """Name, modification time and size of every file, which change with the folder's content.

    Args:
        folder: of a version.
        trusted: an earlier fingerprint, which holds as long as the manifest in it does, as that has the hash of every
            other file; None: all files are looked at.
    """
    if trusted is not None and _manifest_in(folder) in trusted:
        return trusted
    try:
        with os.scandir(folder) as entries:
            files = [(entry.name, entry.stat()) for entry in entries]
    except OSError:  # a file was removed meanwhile; the next scan decides
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))


def _manifest_in(folder: Path) -> tuple[str, int, int] | None:
    """What a fingerprint of the folder holds of its manifest."""
    try:
        status = os.stat(f"{folder}/{MANIFEST_FILE}")  # noqa: PTH116 - as above
    except OSError:
        return None
    return MANIFEST_FILE, status.st_mtime_ns, status.st_size


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
