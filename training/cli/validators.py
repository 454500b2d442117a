"""What commands check before the work that it is for."""

import re
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from models.manifest import NAME_PATTERN
from training.errors import InputError


def check_name(name: str) -> str:
    """The name, if models may bear it.

    Raises:
        InputError: they may not.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        raise InputError(
            f"The model's name '{name}' may hold letters, digits, '.', '_' and '-', up to 64; choose one with --name."
        )
    return name


def check_whole(labels: NDArray[np.float64], path: Path) -> None:
    """Check that labels are sums of whole numbers.

    Raises:
        InputError: one is not a whole number of 0 or more.
    """
    unfit = labels[(labels < 0) | (labels != np.rint(labels))]
    if len(unfit):
        raise InputError(
            f"{path}: the label {unfit[0]:g} is no whole number of 0 or more, as counts are; "
            f"correct it, or use --pool sum."
        )


def check_folders(*folders: Path) -> None:
    """Make the folders that results go into.

    Raises:
        InputError: one of them cannot be written to.
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
