"""Moves a finished version folder into a repository; needs no PyTorch."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from models.manifest import MANIFEST_FILE, Manifest, describe_file, versions


@contextmanager
def staging(repository: Path) -> Iterator[Path]:
    """A folder in the repository that no server takes for a model, nor Triton; it is removed unless it is published."""
    repository.mkdir(parents=True, exist_ok=True)
    top = Path(tempfile.mkdtemp(prefix="staging-", dir=repository))  # docs/design/staging-folders.md has the reason
    try:
        folder = top / "new" / "version"
        folder.mkdir(parents=True)
        folder.chmod(0o755)  # the service may run as another user
        yield folder
    finally:
        shutil.rmtree(top, ignore_errors=True)


def publish(
    folder: Path, repository: Path, name: str, fields: Mapping[str, Any], *, version: int | None = None
) -> Path:
    """Write the manifest of a staging folder's files, and move it into ``repository/name/version`` by one rename.

    Args:
        folder: from ``staging``.
        repository: the same.
        name: the model's.
        fields: of the manifest, but ``name``, ``version`` and ``files``.
        version: to replace; None adds the next one.
    """
    files = {path.name: describe_file(path) for path in sorted(folder.iterdir())}
    while True:
        number = version or max(versions(repository / name), default=0) + 1
        manifest = Manifest(name=name, version=number, files=files, **fields)
        (folder / MANIFEST_FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
        target = repository / name / str(number)
        try:
            return _move_into_place(folder, target, replace=version is not None)
        except OSError:
            if version or not target.is_dir():
                raise
            # another run took the number in the meantime: take the next one


def _move_into_place(folder: Path, target: Path, *, replace: bool) -> Path:
    before = folder.with_name(folder.name + "-replaced")
    target.parent.mkdir(exist_ok=True)
    if replace and target.exists():
        target.rename(before)
    try:
        folder.rename(target)
    except OSError:
        if before.exists():
            before.rename(target)
        with suppress(OSError):  # it has other versions
            target.parent.rmdir()
        raise
    shutil.rmtree(before, ignore_errors=True)
    return target
