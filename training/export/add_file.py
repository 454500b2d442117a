"""Adds a file to a version folder that is there already."""

from pathlib import Path

from models.manifest import MANIFEST_FILE, Manifest, describe_file
from training.output.whole_file import write_whole_file


def add_file(folder: Path, manifest: Manifest, name: str, content: bytes) -> Path:
    """Write a file into a version folder, or in the place of the one there, and list it in the manifest.

    The file comes first: until the manifest is replaced too, a service goes on with what it has loaded.

    Returns:
        The file.

    Raises:
        OSError: it cannot be written.
    """
    write_whole_file(folder / name, content)
    files = dict(sorted({**manifest.files, name: describe_file(folder / name)}.items()))
    listed = manifest.model_copy(update={"files": files})
    write_whole_file(folder / MANIFEST_FILE, (listed.model_dump_json(indent=1, exclude_unset=True) + "\n").encode())
    return folder / name
