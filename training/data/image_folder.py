"""Folders of pictures: a CSV file names each picture and its label."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from models.manifest import CHANNELS
from training.data.dataset_scan import BadRow, Found, Row
from training.data.image_files import BadPictureError, Bytes, PictureFiles, Reading, quiet_pillow
from training.data.labels import Numbers, encode_labels, problem_of_label
from training.data.prefetch import ahead
from training.data.table import read_records
from training.errors import InputError

FILE_COLUMN = "file"
LABEL_COLUMN = "label"


@dataclass(frozen=True)
class LabelledPictures:
    """Pictures of any sizes and their labels.

    Shape:
        pictures: a sequence of ``(channels, height, width)``, uint8, as training sees them. labels: ``(n,)``: the
            values for regression, the index into ``classes`` for classification.

    Args:
        served: the same pictures as the service hands them to the graph, decoded when they are asked for.
        digest: of all pictures and labels.
        notes: sentences about what is left out or looks wrong.
    """

    pictures: Sequence[Bytes]
    labels: Numbers
    classes: list[str] | None
    served: PictureFiles
    digest: str
    notes: list[str]


def read_pictures(
    labels: Path,
    folder: Path,
    task: str,
    mode: str,
    *,
    size: int | None = None,
    strict: bool = False,
    kept: bool = False,
) -> LabelledPictures:
    """Read the pictures that a CSV file with the columns ``file`` and ``label`` names.

    They are held as bytes in the size that training needs, up to ``MAX_HELD_BYTES``.

    Args:
        labels: the CSV file; file names are relative to folder.
        folder: where the pictures lie.
        task: ``"classification"``, labels are any text; ``"regression"``, labels are numbers.
        mode: ``"L"`` reads grey, ``"RGB"`` colour.
        size: height and width that they are resized to as they are read; None keeps each picture's own.
        strict: refuse the first row that cannot be used, instead of leaving such rows out.
        kept: refuse pictures that cannot be trained on in their own size.

    Raises:
        InputError: a column is missing, a row cannot be used and strict is set, most rows cannot be used, or the
            labels do not fit the task.
    """
    rows = _rows(labels, folder)
    reading = Reading(mode, size, resized=True, kept=kept)
    found = Found(labels, strict, expected=len(rows) * CHANNELS[mode] * (size or 0) ** 2)
    with (
        quiet_pillow(),
        tqdm(total=len(rows), desc=f"reading {labels.name}", disable=None, delay=1, leave=False) as bar,
    ):
        for row, outcome in zip(rows, ahead(partial(_outcome, folder, task, reading), rows), strict=True):
            found.add(row, outcome)
            bar.update()
    found.check(len(rows), task)
    values, classes = encode_labels([row.label for row in found.rows], task, labels)
    files = [folder / row.file for row in found.rows]
    pictures = found.pictures if found.pictures is not None else PictureFiles(files, reading, found.shapes)
    served = PictureFiles(files, Reading(mode, size))
    return LabelledPictures(pictures, values, classes, served, found.digest.hexdigest(), found.notes(len(rows)))


def _rows(labels: Path, folder: Path) -> list[Row]:
    header, records = read_records(labels)
    for name in (FILE_COLUMN, LABEL_COLUMN):
        if name not in header:
            raise InputError(f"{labels} has no column '{name}'; it needs the columns '{FILE_COLUMN}' and 'label'.")
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder of the pictures with --images.")
    file, label = header.index(FILE_COLUMN), header.index(LABEL_COLUMN)
    rows = [Row(number, record[file], record[label]) for number, record in enumerate(records, start=1)]
    if not rows:
        raise InputError(f"{labels} holds no rows below its header; name at least one picture.")
    return rows


def _outcome(folder: Path, task: str, reading: Reading, row: Row) -> BadRow | tuple[Bytes, str]:
    """The picture of a row and the SHA-256 of its file, or what is wrong with the row."""
    problem = problem_of_label(row.label, task)
    if not row.file or problem is not None:
        return BadRow(row.number, f"{row.file} {problem}" if row.file else "names no file")
    try:
        content = reading.read(folder / row.file)
        return reading.decode(content), hashlib.sha256(content).hexdigest()
    except BadPictureError as error:
        return BadRow(row.number, f"{row.file} {error}")
