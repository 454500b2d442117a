"""Reads folders of images: a CSV file names each image and its label."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from models.arrays import ByteArray, FloatArray
from models.manifest import CHANNELS
from training.data.dataset_scan import BadRow, DatasetScan, Outcome, ReadImage, Row
from training.data.image_files import BadImageError, ImageFiles, ImageReader, quiet_pillow
from training.data.labels import encode_labels, problem_of_label
from training.data.prefetch import prefetch_map
from training.data.table import read_records
from training.errors import InputError

FILE_COLUMN = "file"
LABEL_COLUMN = "label"


@dataclass(frozen=True)
class ImageDataset:
    """Images of any sizes and their labels.

    Shape:
        images: a sequence of ``(channels, height, width)``, uint8, as training sees them. labels: ``(n,)``: the
            values for regression, the index into ``classes`` for classification.

    Args:
        served: the same images as the service passes them to the graph, decoded on access.
        digest: of all images and labels.
        notes: sentences about rows left out and suspicious rows.
    """

    images: Sequence[ByteArray]
    labels: FloatArray
    classes: list[str] | None
    served: ImageFiles
    digest: str
    notes: list[str]


def read_image_folder(
    labels: Path,
    folder: Path,
    task: str,
    mode: str,
    *,
    size: int | None = None,
    strict: bool = False,
    own_size: bool = False,
) -> ImageDataset:
    """Read the images that a CSV file with the columns ``file`` and ``label`` names.

    They are kept in memory in the size that training needs, up to ``MAX_IN_MEMORY_BYTES``.

    Args:
        labels: the CSV file; file names are relative to folder.
        folder: where the images lie.
        task: ``"classification"``, labels are any text; ``"regression"``, labels are numbers.
        mode: ``"L"`` reads grey, ``"RGB"`` colour.
        size: height and width that they are resized to as they are read; None keeps each image's own.
        strict: reject the first unusable row, instead of leaving such rows out.
        own_size: leave out images that cannot be trained on in their own size.

    Raises:
        InputError: a column is missing, a row is unusable and strict is set, most rows are unusable, or the
            labels do not fit the task.
    """
    rows, reader = _rows(labels, folder), ImageReader(mode, size, resized=True, own_size=own_size)
    scan = DatasetScan(labels, strict, expected=len(rows) * CHANNELS[mode] * (size or 0) ** 2)
    _scan_rows(scan, rows, partial(_outcome, folder, task, reader))
    scan.check(len(rows), task)
    values, classes = encode_labels([row.label for row in scan.rows], task, labels)
    files = [folder / row.file for row in scan.rows]
    images = scan.images if scan.images is not None else ImageFiles(files, reader, scan.shapes)
    served = ImageFiles(files, ImageReader(mode, size))
    return ImageDataset(images, values, classes, served, scan.digest.hexdigest(), scan.notes(len(rows)))


def _scan_rows(scan: DatasetScan, rows: list[Row], outcome_of: Callable[[Row], Outcome]) -> None:
    with (
        quiet_pillow(),
        tqdm(total=len(rows), desc=f"reading {scan.labels.name}", disable=None, delay=1, leave=False) as bar,
    ):
        for row, outcome in zip(rows, prefetch_map(outcome_of, rows), strict=True):
            scan.add(row, outcome)
            bar.update()


def _rows(labels: Path, folder: Path) -> list[Row]:
    header, records = read_records(labels, [FILE_COLUMN, LABEL_COLUMN])
    for name in (FILE_COLUMN, LABEL_COLUMN):
        if name not in header:
            raise InputError(f"{labels} has no column '{name}'; it needs the columns '{FILE_COLUMN}' and 'label'.")
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder of the images with --images.")
    file, label = header.index(FILE_COLUMN), header.index(LABEL_COLUMN)
    rows = [Row(number, record[file], record[label]) for number, record in enumerate(records, start=1)]
    if not rows:
        raise InputError(f"{labels} has no rows below its header; name at least one image.")
    return rows


def _outcome(folder: Path, task: str, reader: ImageReader, row: Row) -> Outcome:
    """The image of a row, or why the row is unusable."""
    problem = problem_of_label(row.label, task)
    if not row.file or problem is not None:
        return BadRow(row.number, f"{row.file} {problem}" if row.file else "names no file")
    try:
        content = reader.read(folder / row.file)
        decoded = reader.decode(content)
        return ReadImage(decoded.pixels, hashlib.sha256(content).hexdigest(), decoded.warning)
    except BadImageError as error:
        return BadRow(row.number, f"{row.file} {error}", error.repair)
