"""Tables of numbers: a CSV file with a header, numeric columns and a target."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import InputError


@dataclass(frozen=True)
class Table:
    """Input columns and a target, row by row.

    Shape:
        inputs: ``(rows, len(columns))``, finite float64. target: ``(rows, 1)``, finite float64.
    """

    columns: list[str]
    target_name: str
    inputs: NDArray[np.float64]
    target: NDArray[np.float64]


def read_table(path: Path, target: str, columns: Sequence[str] | None = None) -> Table:
    """Read a CSV file.

    Args:
        path: the file, UTF-8; its first line is the header; separated by comma, semicolon or tab.
        target: the column to be learned.
        columns: the input columns; None takes every column but the target.

    Raises:
        InputError: the file, a column or a number is missing or not usable; the message says which and what to do.
    """
    header, records = read_records(path)
    for name in (target, *(columns or ())):
        if name not in header:
            raise InputError(f"{path} has no column '{name}'; its columns are {', '.join(header)}.")
    names = list(columns) if columns else [name for name in header if name != target]
    if not names or target in names:
        raise InputError(f"{path} needs at least one input column beside the target '{target}'.")
    if len(set(names)) < len(names):
        raise InputError(f"--columns names '{max(names, key=names.count)}' twice; name each column once.")
    places = [header.index(name) for name in (*names, target)]
    rows = [[_number(record[i], path, row, header[i]) for i in places] for row, record in enumerate(records, start=1)]
    if not rows:
        raise InputError(f"{path} holds no rows below its header; add at least one row of numbers.")
    values = np.array(rows, dtype=np.float64)
    return Table(names, target, values[:, :-1], values[:, -1:])


def read_records(path: Path) -> tuple[list[str], Iterator[list[str]]]:
    """Header and records of a CSV file, each record as long as the header; blank lines are left out.

    Raises:
        InputError: the file cannot be read, has no header or names a column twice; while iterating, that a row is
            too short or too long.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the path of a CSV file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8; save the table as CSV (UTF-8).") from error
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise InputError(f"{path} is empty; its first line must name the columns.")
    separator = max(",;\t", key=lines[0].count)
    reader = csv.reader(lines, delimiter=separator)
    header = [name.strip() for name in next(reader)]
    twice = {name for name in header if header.count(name) > 1}
    if twice:
        raise InputError(f"{path} names column '{min(twice)}' twice; rename one of the two.")
    return header, _records(reader, len(header), path)


def _records(reader: Iterator[list[str]], width: int, path: Path) -> Iterator[list[str]]:
    for row in count(1):
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{path}, row {row} is not CSV ({error}); correct or remove it.") from error
        if record is None:
            return
        if len(record) != width:
            raise InputError(
                f"{path}, row {row} has {len(record)} fields, the header has {width}; give every row {width} fields."
            )
        yield [field.strip() for field in record]


def _number(text: str, path: Path, row: int, column: str) -> float:
    try:
        value = float(text.replace("_", "?"))  # Python takes 1_000 for a thousand; tables do not
    except ValueError:
        shown = repr(text if len(text) <= 40 else f"{text[:37]}...")
        problem = "is empty" if not text else f"is {shown}, which is not a number"
    else:
        if math.isfinite(value):
            return value
        problem = f"is {text}, which is not finite"
    raise InputError(
        f"{path}, row {row}, column '{column}' {problem}; correct it, remove the row, or choose other --columns."
    )
