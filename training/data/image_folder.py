"""Reads labelled images: a table names each image and its label, or each class has a folder."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.arrays import ByteArray, FloatArray, IntArray
from models.image_modes import CHANNELS
from training.data.copies import resolve_copies
from training.data.dataset_scan import BadRow, DatasetScan, Outcome, ReadImage
from training.data.image_files import BadImageError, ImageFiles, ImageReader, quiet_pillow
from training.data.label_rows import LabelRows, Row, rows_of_folders, rows_of_table
from training.data.labels import encode_labels, problem_of_label
from training.data.prefetch import prefetch_map
from training.errors import InputError


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
        first: for each image the place of the first that is the same; None: all differ.
    """

    images: Sequence[ByteArray]
    labels: FloatArray
    classes: list[str] | None
    served: ImageFiles
    digest: str
    notes: list[str]
    first: IntArray | None = None


def read_image_folder(
    labels: Path,
    folder: Path | None,
    task: str,
    mode: str,
    *,
    size: int | None = None,
    strict: bool = False,
    own_size: bool = False,
) -> ImageDataset:
    """Read the images that a table names in its columns ``file`` and ``label``, or those in the folders of classes.

    They are kept in memory in the size that training needs, up to ``MAX_IN_MEMORY_BYTES``.

    Args:
        labels: the table, whose file names are relative to folder; or a folder that has one for each class.
        folder: where the images lie; None where labels is a folder.
        task: ``"classification"``, labels are any text; ``"regression"``, labels are numbers.
        mode: ``"L"`` reads grey, ``"RGB"`` colour.
        size: height and width that they are resized to as they are read; None keeps each image's own.
        strict: reject the first unusable row or image with two classes, instead of leaving such out.
        own_size: leave out images that cannot be trained on in their own size.

    Raises:
        InputError: a column is missing, a row is unusable and strict is set, most rows are unusable, or the
            labels do not fit the task.
    """
    found, reader = _find_rows(labels, folder, task), ImageReader(mode, size, resized=True, own_size=own_size)
    scan = DatasetScan(labels, strict, expected=len(found.rows) * CHANNELS[mode] * (size or 0) ** 2)
    _scan_rows(scan, found.rows, partial(_outcome, found, task, reader))
    scan.check(len(found.rows), task)
    kept, copies = resolve_copies(scan.rows, scan.first, task, labels, strict=strict)
    values, classes = encode_labels([scan.rows[place].label for place in kept], task, labels)
    files, shapes = [scan.files[place] for place in kept], [scan.shapes[place] for place in kept]
    images = ImageFiles(files, reader, shapes) if scan.images is None else [scan.images[place] for place in kept]
    first = np.array([scan.first[place] for place in kept])
    notes = [*found.notes, *scan.notes(len(found.rows)), *found.outside(files), *copies]
    return ImageDataset(
        images, values, classes, ImageFiles(files, ImageReader(mode, size)), scan.digest.hexdigest(), notes, first
    )


def _find_rows(labels: Path, folder: Path | None, task: str) -> LabelRows:
    if labels.is_dir():
        if folder is not None:
            raise InputError(
                f"{labels} is a folder; give one of folders of classes without --images, or a table with --images."
            )
        return rows_of_folders(labels, task)
    if folder is None:
        raise InputError(f"--images is missing; give the folder of the images that {labels} names.")
    return rows_of_table(labels, folder, task)


def _scan_rows(scan: DatasetScan, rows: list[Row], outcome_of: Callable[[Row], Outcome]) -> None:
    with (
        quiet_pillow(),
        tqdm(total=len(rows), desc=f"reading {scan.labels.name}", disable=None, delay=1, leave=False) as bar,
    ):
        for row, outcome in zip(rows, prefetch_map(outcome_of, rows), strict=True):
            scan.add(row, outcome)
            bar.update()


def _outcome(found: LabelRows, task: str, reader: ImageReader, row: Row) -> Outcome:
    """The image of a row, or why the row is unusable."""
    problem = problem_of_label(row.label, task)
    if not row.file or problem is not None:
        return BadRow(row.place, problem if row.file and problem else "names no file")
    try:
        file = found.find(row.file)
        content = reader.read(file)
        decoded = reader.decode(content)
        return ReadImage(file, decoded.pixels, hashlib.sha256(content).hexdigest(), decoded.warning)
    except BadImageError as error:
        return BadRow(row.place, str(error), error.repair)
