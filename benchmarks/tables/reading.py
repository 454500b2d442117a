"""Writes a table in a dialect and reads it."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables.dialects import Dialect, target_of, write
from models.arrays import FloatArray
from training.data.table import Table, read_table
from training.errors import InputError

REPAIR = re.compile(r"\b(give|add|rename|quote|close|correct|save)\b|its columns are")
"""What a sentence that names a repair has."""


class Unwritable(Exception):  # noqa: N818
    """No program writes this combination."""


@dataclass(frozen=True)
class TableResult:
    """What came of a table.

    Args:
        path: the file.
        target: its target.
        written: the numbers in the file: rows of ``a``, ``b``, ``y``.
        table: what was read; None where it was refused.
        refusal: the sentence.
    """

    path: Path
    target: str
    written: FloatArray
    table: Table | None
    refusal: str = ""


def read(dialect: Dialect, folder: Path) -> TableResult:
    """Write and read a table.

    Raises:
        Unwritable: pandas or the encoding rejects the combination.
    """
    path = folder / "table.csv"
    try:
        written = write(dialect, path)
    except (csv.Error, UnicodeEncodeError, TypeError) as error:
        raise Unwritable(str(error)) from error
    target = target_of(dialect)
    try:
        return TableResult(path, target, written, read_table(path, target))
    except InputError as error:
        return TableResult(path, target, written, None, str(error).replace(f"{path}", path.name))
