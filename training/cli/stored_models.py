"""Finds models of a repository that commands read."""

import re
from pathlib import Path

from models.manifest import NAME_PATTERN, Manifest, versions
from training.errors import InputError


def find_model(repository: Path, name: str, version: int | None) -> tuple[Path, Manifest]:
    """The folder and the manifest of a version of a model; None: the highest.

    Raises:
        InputError: the repository does not have it.
    """
    found = versions(repository / name) if re.fullmatch(NAME_PATTERN, name) else []
    number = version or max(found, default=0)
    if number not in found:
        listed = f"it has {', '.join(map(str, found))}" if found else "train one, or give another --repository"
        missing = f"version {version} of '{name}'" if version else f"model '{name}'"
        raise InputError(f"{repository} has no {missing}; {listed}.")
    folder = repository / name / str(number)
    return folder, Manifest.read(folder)
