"""Folders of pictures: a CSV file names each picture and its label."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.decoding import BROKEN, pixels
from training.data.table import read_records
from training.errors import InputError

FILE_COLUMN = "file"
LABEL_COLUMN = "label"


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures of any sizes and their labels.

    Shape:
        pictures: a list of ``(channels, height, width)``, uint8. labels: ``(n,)``: the values for regression, the
            index into ``classes`` for classification.
    """

    pictures: list[NDArray[np.uint8]]
    labels: NDArray[np.float64]
    classes: list[str] | None


def read_pictures(labels: Path, folder: Path, task: str, mode: str) -> LabelledPictures:
    """Read the pictures that a CSV file with the columns ``file`` and ``label`` names.

    Args:
        labels: the CSV file; file names are relative to folder.
        folder: where the pictures lie.
        task: ``"classification"``, labels are any text; ``"regression"``, labels are numbers.
        mode: ``"L"`` reads grey, ``"RGB"`` colour.

    Raises:
        InputError: a file or column is missing, a picture cannot be read, or the labels do not fit the task.
    """
    header, records = read_records(labels)
    for name in (FILE_COLUMN, LABEL_COLUMN):
        if name not in header:
            raise InputError(f"{labels} has no column '{name}'; it needs the columns '{FILE_COLUMN}' and 'label'.")
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder of the pictures with --images.")
    file_place, label_place = header.index(FILE_COLUMN), header.index(LABEL_COLUMN)
    rows = [(record[file_place], record[label_place]) for record in records]
    if not rows:
        raise InputError(f"{labels} holds no rows below its header; name at least one picture.")
    values, classes = encode_labels([label for _, label in rows], task, labels)
    pictures = [_read(folder / file, mode, labels, row) for row, (file, _) in enumerate(rows, start=1)]
    return LabelledPictures(pictures, values, classes)


def encode_labels(texts: Sequence[str], task: str, path: Path) -> tuple[NDArray[np.float64], list[str] | None]:
    """Labels as numbers, and the class names for classification.

    Raises:
        InputError: an empty label, fewer than two classes, a class with a single picture, text or a non-finite
            number for regression, or one value in every row.
    """
    for row, text in enumerate(texts, start=1):
        if not text:
            raise InputError(f"{path}, row {row} has an empty label; fill it in or remove the row.")
    if task == "classification":
        return _encode_classes(texts, path)
    values = np.array([_value(text, path, row) for row, text in enumerate(texts, start=1)])
    if np.ptp(values) == 0:
        raise InputError(f"{path}: the label is {values[0]:g} in every row, so there is nothing to learn; vary it.")
    return values, None


def _encode_classes(texts: Sequence[str], path: Path) -> tuple[NDArray[np.float64], list[str]]:
    classes = sorted(set(texts))
    if len(classes) < 2:
        raise InputError(f"{path}: every row has the label '{classes[0]}'; classification needs at least two labels.")
    single = next((name for name in classes if texts.count(name) < 2), None)
    if single is not None:
        raise InputError(
            f"{path}, row {texts.index(single) + 1} is the only one with label '{single}'; classification needs at "
            f"least two pictures a label. For numbers use --task regression."
        )
    return np.array([classes.index(text) for text in texts], dtype=np.float64), classes


def _value(text: str, path: Path, row: int) -> float:
    try:
        value = float(text.replace("_", "?"))  # as in tables
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(
            f"{path}, row {row} has the label '{text[:40]}', which is not a number; "
            f"correct it or use --task classification."
        )
    return value


def _read(file: Path, mode: str, labels: Path, row: int) -> NDArray[np.uint8]:
    try:
        with Image.open(file) as picture:
            return pixels(picture, mode)
    except FileNotFoundError as error:
        raise InputError(f"{labels}, row {row}: {file} does not exist; correct the name or --images.") from error
    except (*BROKEN, Image.DecompressionBombError) as error:
        raise InputError(f"{labels}, row {row}: {file} is not a readable picture; replace it.") from error
