"""Uploads a version folder to an object store, the manifest last: what is half uploaded is never served."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from models.manifest import MANIFEST_FILE, FileEntry, Manifest
from models.object_store import ObjectStore, StoredFile
from training.errors import InputError


def push(store: ObjectStore, folder: Path, manifest: Manifest, on_file: Callable[[str, int], None]) -> str:
    """Upload the files that a manifest lists, without those that are there already, and then the manifest.

    Args:
        store: to upload to.
        folder: of the files.
        manifest: of the folder; its version may be another, which the files are then uploaded as.
        on_file: called after each file that was uploaded, with its name and size in bytes.

    Returns:
        Where the version lies.

    Raises:
        ManifestError: a file is missing, or has another hash than the manifest lists; nothing is uploaded.
        InputError: the version is there with other files; nothing is uploaded.
        StoreError: the store cannot be read or written to.
    """
    for name in manifest.files:
        manifest.read_file(folder, name)
    content = _content(folder, manifest)
    stored = {file.path: file for file in store.list(manifest.name)}
    place = f"{manifest.name}/{manifest.version}"
    before = stored.get(f"{place}/{MANIFEST_FILE}")
    if before is not None and b"".join(store.read(before)) != content:
        raise InputError(
            f"{store.address}/{place} is there already with other files; push yours as the next free version with "
            f"--as {_next_version(stored)}, or remove that one."
        )
    for name, entry in manifest.files.items():
        if before is None or not _holds(store, stored.get(f"{place}/{name}"), entry):
            store.write(f"{place}/{name}", folder / name)
            on_file(name, entry.bytes)
    if before is None:
        store.write(f"{place}/{MANIFEST_FILE}", content, replace=False)
        on_file(MANIFEST_FILE, len(content))
    return f"{store.address}/{place}"


def _holds(store: ObjectStore, there: StoredFile | None, entry: FileEntry) -> bool:
    """Whether an object has the content that a manifest lists; another upload may have written over it."""
    if there is None or there.size != entry.bytes:
        return False
    return hashlib.sha256(b"".join(store.read(there))).hexdigest() == entry.sha256


def _content(folder: Path, manifest: Manifest) -> bytes:
    """The manifest's file: the folder's own, unless the version is another."""
    if manifest == Manifest.read(folder):
        return (folder / MANIFEST_FILE).read_bytes()
    return (manifest.model_dump_json(indent=1, exclude_unset=True) + "\n").encode()


def _next_version(paths: Iterable[str]) -> int:
    """The number after the highest below a model, whether or not it is complete."""
    numbers = (path.split("/")[1] for path in paths)
    return max(int(number) for number in numbers if number.isascii() and number.isdigit()) + 1
