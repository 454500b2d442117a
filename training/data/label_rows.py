"""The rows of a dataset of images: from a table that names files and labels, or from folders named after classes."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from models.decoding import format_names
from training.data.file_names import FileFinder
from training.data.labels import decimal_points, similar_labels, unicode_form
from training.data.table import read_records
from training.data.tables.excerpt import NAMES, excerpt, listed
from training.errors import InputError

FILE_COLUMNS = ("file", "filename", "file_name", "filepath", "image", "image_path", "path", "img")
LABEL_COLUMNS = ("label", "class", "target", "value", "category", "count", "labels")
PARTS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev"}
"""Folders that people split their images into, in small letters."""
IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}
"""Entries that operating systems leave in folders, besides hidden ones, in small letters."""
ENDINGS: tuple[str, ...] = (".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff")
ENDINGS += (".avif", ".heic", ".heif", ".pbm", ".pgm", ".ppm", ".pnm")
"""Of files that are taken for images; what they are is decided by their content."""


@dataclass(frozen=True)
class Row:
    """An image's file and the label's text.

    Args:
        number: of the row in a table, that below the header being 1; None: the file was found in a folder.
        file: as the table names it, or relative to the folder.
        label: as it stands there.
    """

    number: int | None
    file: str
    label: str

    @property
    def place(self) -> str:
        """Where messages find it, for example ``row 3: a.png``."""
        file = excerpt(self.file, NAMES)
        return file if self.number is None else f"row {self.number}:{' ' * bool(file)}{file}"


@dataclass(frozen=True)
class LabelRows:
    """Rows, how their files are found, and sentences about them."""

    rows: list[Row]
    find: Callable[[str], Path]
    notes: list[str]
    is_outside: Callable[[Path], bool] = lambda _: False

    def outside(self, files: Sequence[Path]) -> list[str]:
        """A sentence about files that lie elsewhere than the images do."""
        found = [file for file in files if self.is_outside(file)]
        if not found:
            return []
        lie = "file lies" if len(found) == 1 else "files lie"
        return [f"{len(found):,} {lie} outside of the folder of the images (first: {excerpt(str(found[0]), 120)})."]


def rows_of_table(labels: Path, folder: Path, task: str) -> LabelRows:
    """The rows of a table with a column of files, relative to a folder, and a column of labels.

    Raises:
        InputError: a column or the folder is missing, or there are no rows.
    """
    header, records = read_records(labels, [FILE_COLUMNS[0], LABEL_COLUMNS[0]])
    file, label = (_column(labels, header, names) for names in (FILE_COLUMNS, LABEL_COLUMNS))
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; give the folder of the images with --images.")
    rows = [Row(number, record[file], unicode_form(record[label])) for number, record in enumerate(records, start=1)]
    if not rows:
        raise InputError(f"{labels} has no rows below its header; name at least one image.")
    notes = []
    if (header[file], header[label]) != (FILE_COLUMNS[0], LABEL_COLUMNS[0]):
        notes.append(f"Images are named by column '{header[file]}', labels by column '{header[label]}'.")
    finder, (rows, found) = FileFinder(folder), _checked_labels(rows, task, labels)
    return LabelRows(rows, finder.find, notes + found, finder.is_outside)


def rows_of_folders(folder: Path, task: str) -> LabelRows:
    """The images below a folder, each labelled by the folder directly below it that it lies in.

    Raises:
        InputError: there are no such folders, or they are the parts of a split.
    """
    entries = [entry for entry in sorted(folder.iterdir()) if not _is_ignored(entry.name)]
    classes = [entry for entry in entries if entry.is_dir()]
    if not classes:
        raise InputError(
            f"{folder} holds no folders, of which each would be a class; sort the images into some, or give a table "
            f"of files and labels, and the images with --images {folder}."
        )
    if all(entry.name.lower() in PARTS for entry in classes):
        raise InputError(
            f"{folder} holds parts of a split ({listed([entry.name for entry in classes])}) and no classes; give one "
            f"of them, such as {classes[0]}, as fit-images splits by itself."
        )
    found = {entry.name: _files_below(entry, folder) for entry in classes}
    rows = [Row(None, file, unicode_form(name)) for name, files in found.items() for file in files if _is_image(file)]
    if not rows:
        raise InputError(f"{folder} holds no images in its folders; put some there, as {format_names()}.")
    others = [file for files in found.values() for file in files if not _is_image(file)]
    others += [entry.name for entry in entries if entry.is_file()]
    empty = [name for name, files in found.items() if not any(map(_is_image, files))]
    notes = [f"Folders without images are left out: {listed(empty)}."] if empty else []
    notes += [f"{len(others):,} files are no images of a class and are left out: {listed(others)}."] if others else []
    rows, about = _checked_labels(rows, task, folder)
    return LabelRows(rows, lambda name: folder / name, notes + about)


def _checked_labels(rows: list[Row], task: str, path: Path) -> tuple[list[Row], list[str]]:
    """The rows with decimal points in values, and sentences about their labels."""
    if task == "regression":
        texts, notes = decimal_points([row.label for row in rows], path)
        return [replace(row, label=text) for row, text in zip(rows, texts, strict=True)], notes
    return rows, similar_labels([row.label for row in rows], task)


def _column(labels: Path, header: list[str], names: tuple[str, ...]) -> int:
    """The place of the column that has the first of these names, or else the only one with another of them.

    Raises:
        InputError: there is none, or several.
    """
    lower = [name.lower() for name in header]
    found = [names[0]] if names[0] in lower else [name for name in names if name in lower]
    places = [place for place, name in enumerate(lower) if name in found]
    if len(places) > 1:
        raise InputError(
            f"{labels} has several columns that may be '{names[0]}' ({listed([header[place] for place in places])}); "
            f"call the one that is '{names[0]}'."
        )
    if not places:
        raise InputError(
            f"{labels} has no column '{names[0]}'; it needs the columns 'file' and 'label', and has {listed(header)}."
        )
    return places[0]


def _files_below(place: Path, folder: Path) -> list[str]:
    files = []
    for parent, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if not _is_ignored(name))
        files += [Path(parent, name).relative_to(folder).as_posix() for name in sorted(names) if not _is_ignored(name)]
    return files


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in IGNORED


def _is_image(file: str) -> bool:
    return file.lower().endswith(ENDINGS)
