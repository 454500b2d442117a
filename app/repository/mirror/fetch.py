"""Fetches a version folder from an object store into an empty folder, and verifies it by its manifest."""

import hashlib
import shutil
from pathlib import Path

from app.repository.mirror.bucket import VersionFiles
from app.repository.scan import Key
from models.manifest import MANIFEST_FILE, FileEntry, Manifest, ManifestError
from models.object_store import ObjectMissingError, ObjectStore, StoredFile

MAX_MANIFEST_BYTES = 16 * 2**20
MAX_VERSION_BYTES = 8 * 2**30
"""Most bytes of all files of a version. A graph of ONNX is at most 2 GiB, and a version has it in three formats."""


class RejectedError(Exception):
    """A version is not fetched, as it is incomplete or damaged; the message is one sentence."""


def fetch(store: ObjectStore, key: Key, files: VersionFiles, folder: Path) -> None:
    """Write the manifest and the files that it lists into an empty folder.

    Args:
        store: to read from.
        key: name and version.
        files: of the version, as they were listed.
        folder: to write to.

    Raises:
        RejectedError: a file is missing, has another size or hash than the manifest lists, or is too large.
        StoreError: the store cannot be read.
        OSError: the folder cannot be written to.
    """
    place = f"{store.address}/{key[0]}/{key[1]}"
    try:
        manifest = _fetch_manifest(store, key, files, folder, place)
        total = sum(entry.bytes for entry in manifest.files.values())
        if total > MAX_VERSION_BYTES:
            raise RejectedError(f"{place} has {total} bytes, the limit is {MAX_VERSION_BYTES}.")
        if total > (free := shutil.disk_usage(folder).free):
            raise RejectedError(f"{place} has {total} bytes, and the disk of the cache {free}; free space there.")
        for name, entry in manifest.files.items():  # before any of them is fetched
            _check_size(name, entry, files, place)
        for name, entry in manifest.files.items():
            actual = _write(store, files[name], folder / name)
            if actual != entry.sha256:
                listed = f"{MANIFEST_FILE} lists {entry.sha256[:12]}..."
                raise RejectedError(f"{place}/{name} has SHA-256 {actual[:12]}..., {listed}; upload it again.")
    except ObjectMissingError as error:
        raise RejectedError(f"{str(error).rstrip('.')}, as it changed while it was fetched.") from error


def _fetch_manifest(store: ObjectStore, key: Key, files: VersionFiles, folder: Path, place: str) -> Manifest:
    if MANIFEST_FILE not in files:
        raise RejectedError(f"{place} has no {MANIFEST_FILE}, which is uploaded last; complete it, or remove it.")
    if files[MANIFEST_FILE].size > MAX_MANIFEST_BYTES:
        raise RejectedError(f"{place}/{MANIFEST_FILE} has more than {MAX_MANIFEST_BYTES} bytes.")
    _write(store, files[MANIFEST_FILE], folder / MANIFEST_FILE)
    try:
        manifest = Manifest.read(folder)
    except ManifestError as error:
        raise RejectedError(str(error).replace(str(folder), place)) from error
    if (manifest.name, manifest.version) != key:
        raise RejectedError(
            f"{place} has the manifest of '{manifest.name}' version {manifest.version}; move it to its own folder."
        )
    return manifest


def _check_size(name: str, entry: FileEntry, files: VersionFiles, place: str) -> None:
    if name not in files:
        raise RejectedError(f"{place} has no {name}, which its {MANIFEST_FILE} lists; upload it.")
    if files[name].size != entry.bytes:
        raise RejectedError(
            f"{place}/{name} has {files[name].size} bytes, {MANIFEST_FILE} lists {entry.bytes}; upload it again."
        )


def _write(store: ObjectStore, file: StoredFile, path: Path) -> str:
    """Write an object into a file; returns its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as output:
        for part in store.read(file):
            output.write(part)
            digest.update(part)
    return digest.hexdigest()


def is_sound(folder: Path) -> bool:
    """Whether a fetched folder still has the files that its manifest lists, unchanged."""
    try:
        manifest = Manifest.read(folder)
        for name in manifest.files:
            manifest.read_file(folder, name)
    except ManifestError:
        return False
    return True
