"""Checks that commands make before they train."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np

from models.arrays import FloatArray
from models.manifest import NAME_PATTERN
from training.data.tables.excerpt import excerpt
from training.errors import InputError, unwritable

MAX_NAME = 64
"""Most characters of a name, as ``NAME_PATTERN`` has it."""
MAX_SHOWN = 100
"""Most characters of a name that a message repeats."""
TABLE_ENDINGS = {".csv", ".tsv", ".txt", ".gz", ".xlsx", ".parquet"}
"""Endings that a name loses besides its last one, as of ``sales.csv.gz``."""
PROBE_BYTES = 2**20
"""What a folder must have space for before training begins: about a model and its plot."""


def check_name(name: str) -> str:
    """The name, if it is a valid name of a model.

    Raises:
        InputError: it is not.
    """
    if not re.fullmatch(NAME_PATTERN, name):
        valid = _valid_name(name)
        choice = f", such as --name {valid}" if valid else ""
        raise InputError(
            f"The model's name '{excerpt(name, MAX_SHOWN)}' may hold letters, digits, '.', '_' and '-', up to 64, the "
            f"first a letter or a digit; choose one with --name{choice}."
        )
    return name


def name_from_file(path: Path) -> str:
    """A name for the model of a table: the file's, without endings, with a hyphen for what names may not hold.

    Raises:
        InputError: nothing is left of it.
    """
    stem = path.stem
    while (ending := Path(stem).suffix).lower() in TABLE_ENDINGS:
        stem = stem[: -len(ending)]
    name = _valid_name(stem)
    if not name:
        raise InputError(
            f"The file's name '{excerpt(path.name, MAX_SHOWN)}' has no letter or digit that a model's name may hold; "
            "choose a name with --name."
        )
    return name


def names_of_targets(name: str, targets: Sequence[str]) -> dict[str, str]:
    """The name of each target's model: that of the run for a single target, else with the target's behind it.

    Raises:
        InputError: a target is named twice, or two models would have one name, or one that is no name.
    """
    if len(targets) == 1:
        return {targets[0]: name}
    twice = max(targets, key=targets.count)
    if targets.count(twice) > 1:
        raise InputError(f"--target names '{excerpt(twice, MAX_SHOWN)}' twice; name each target once.")
    names: dict[str, str] = {}
    for target in targets:
        model = check_name(f"{name}-{_valid_name(target)}")
        if model == f"{name}-" or model.lower() in map(str.lower, names.values()):
            why = "another has" if model in names.values() else "differs from another in case alone"
            raise InputError(
                f"The target '{excerpt(target, MAX_SHOWN)}' gives the model the name '{model}', which "
                f"{'lacks its own part' if model == f'{name}-' else why}; rename the column."
            )
        names[target] = model
    return names


def _valid_name(text: str) -> str:
    """The text in letters, digits, '.', '_' and '-', accents removed; empty where nothing is left."""
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.sub(r"[^A-Za-z0-9._]+", "-", letters).lstrip("-._")[:MAX_NAME].rstrip("-._")


def check_whole(labels: FloatArray, path: Path) -> None:
    """Check that labels are whole numbers of 0 or more, as a counting head predicts.

    Raises:
        InputError: one is not.
    """
    invalid = labels[(labels < 0) | (labels != np.rint(labels))]
    if len(invalid):
        raise InputError(
            f"{path}: the label {invalid[0]:g} is not a whole number of at least 0, as counts are; "
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
            with TemporaryFile(dir=folder) as probe:
                probe.write(bytes(PROBE_BYTES))
        except OSError as error:
            raise unwritable(folder, error) from error
