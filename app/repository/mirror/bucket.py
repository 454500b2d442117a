"""The version folders that lie in an object store."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from app.repository.scan import Key
from models.manifest import NAME_PATTERN
from models.object_store import StoredFile

VersionFiles = Mapping[str, StoredFile]
"""The files of a version folder, by name."""

_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_MAX_NAME_BYTES = 255
"""Longest name of a file on the usual disks; names of objects may be longer."""


def version_folders(files: Iterable[StoredFile]) -> dict[Key, dict[str, StoredFile]]:
    """The files of each ``<name>/<version>/``, by name and version; others, as hidden ones, are ignored."""
    found: dict[Key, dict[str, StoredFile]] = {}
    for file in files:
        parts = PurePosixPath(file.path).parts
        if len(parts) == 3 and _is_version_file(*parts):
            found.setdefault((parts[0], int(parts[1])), {})[parts[2]] = file
    return dict(sorted(found.items()))


def _is_version_file(name: str, version: str, file: str) -> bool:
    ignored = file.startswith(".") or "\\" in file or "\0" in file or len(file.encode()) > _MAX_NAME_BYTES
    return not ignored and bool(re.fullmatch(NAME_PATTERN, name) and _VERSION.fullmatch(version))


def fingerprint_of_all(folders: Mapping[Key, VersionFiles]) -> str:
    """A hash of all version folders."""
    text = "\n".join(f"{key} {fingerprint_of(files)}" for key, files in folders.items())
    return hashlib.sha256(text.encode()).hexdigest()


def fingerprint_of(files: VersionFiles) -> str:
    """A hash of name, size and ETag of every file, which changes with the folder's content."""
    text = "\n".join(f"{name}\0{file.size}\0{file.tag}" for name, file in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()
