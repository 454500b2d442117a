"""Checks that commands make before they train."""

import re
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from models.arrays import FloatArray
from models.manifest import NAME_PATTERN
from training.errors import InputError


def check_name(name: str) -> str:
    """The name, if it is a valid name of a model.

    Raises:
        InputError: it is not.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise InputError(
            f"The model's name '{name}' may hold letters, digits, '.', '_' and '-', up to 64; choose one with --name."
        )
    return name


def check_whole(labels: FloatArray, path: Path) -> None:
    """Check that labels are whole numbers of 0 or more, as a counting head predicts.

    Raises:
        InputError: one is not.
    """
    invalid = labels[(labels < 0) | (labels != np.rint(labels))]
    if len(invalid):
        raise InputError(
            f"{path}: the label {invalid[0]:g} is no whole number of 0 or more, as counts are; "
            f"correct it, or use --pool sum."
        )


def check_folders(*folders: Path) -> None:
    """Create the folders of the results.

    Raises:
        InputError: one of them is not writable.
    """
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise InputError(
                f"{folder} cannot be written to ({error.strerror}); give a folder that can, or change its permissions."
            ) from error
