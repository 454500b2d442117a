"""Tables of numbers: a CSV file with a header, numeric columns and a target, of any length."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count, islice
from operator import itemgetter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.arrays import FloatArray, IntArray
from training.data.table_sample import DuplicateColumns, RowSample
from training.errors import InputError

CHUNK_FIELDS = 2**18
"""Fields that are turned into numbers at a time: bounds the memory, whatever the table's length and width."""
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "?"})
"""Spellings of a missing value, in any case."""


@dataclass(frozen=True)
class Table:
    """Input columns and a target, row by row.

    Shape:
        inputs: ``(rows, len(columns))``, finite float64. target: ``(rows, 1)``, finite float64. numbers: ``(rows,)``.

    Args:
        columns: names of the input columns.
        target_name: name of the target.
        inputs: of the sampled rows.
        target: of the sampled rows.
        numbers: of these rows in the file, that below the header being 1.
        rows: complete rows of the file, of which ``inputs`` may be a sample.
        notes: sentences about rows left out.
        redundant: input columns without information, each with a clause such as ``"equals 'a'"``.
    """

    columns: list[str]
    target_name: str
    inputs: FloatArray
    target: FloatArray
    numbers: IntArray
    rows: int
    notes: list[str]
    redundant: dict[str, str]


def read_table(
    path: Path, target: str, columns: Sequence[str] | None = None, *, drop_incomplete: bool = False, seed: int = 0
) -> Table:
    """Read a CSV file.

    All rows are read and checked, and at most about 65,536 sampled: a uniform sample, and the rows that have the
    lowest and highest value of a column. So the ranges are those of all rows, and any share of the outermost rows is
    a fair sample of that share of all.

    Args:
        path: the file, UTF-8; its first line is the header; separated by comma, semicolon or tab.
        target: the column to be learned.
        columns: the input columns; None takes every column but the target.
        drop_incomplete: leave out rows with missing or infinite values instead of refusing them.
        seed: of the sample of a long file.

    Raises:
        InputError: the file, a column or a number is missing or unusable; the message names it and the repair.
    """
    header, records = read_records(path)
    names = _input_columns(path, header, target, columns)
    reader = _NumberReader(path, [*names, target], [header.index(name) for name in (*names, target)], drop_incomplete)
    sample, duplicates = RowSample(len(names) + 1, seed), DuplicateColumns(len(names))
    with tqdm(desc=f"reading {path.name}", unit=" rows", unit_scale=True, disable=None, delay=1, leave=False) as bar:
        for values, numbers in reader.read(records):
            sample.add(values, numbers)
            duplicates.compare(values[:, :-1])
            bar.update(len(values))
    if not reader.rows:
        raise InputError(f"{path} has no rows below its header; add at least one row of numbers.")
    if not sample.rows:
        raise InputError(f"{path} has no complete row (first: row {reader.first}); fill in the missing values.")
    inputs, wanted = sample.values[:, :-1], sample.values[:, -1:]
    notes = [*reader.notes, *sample.notes]
    redundant = _redundant(names, inputs, duplicates.leaders)
    return Table(names, target, inputs, wanted, sample.numbers, sample.rows, notes, redundant)


def informative(table: Table, source: str) -> tuple[Table, list[str]]:
    """The table without its redundant columns, and a sentence about each of them.

    Raises:
        InputError: no column is left.
    """
    kept = [i for i, name in enumerate(table.columns) if name not in table.redundant]
    if not kept:
        raise InputError(
            f"{source} has no input column that varies ({', '.join(table.columns)}); add one that the target follows."
        )
    notes = [f"Column '{name}' {what} in every row and was left out." for name, what in table.redundant.items()]
    return replace(table, columns=[table.columns[i] for i in kept], inputs=table.inputs[:, kept], redundant={}), notes


def read_records(path: Path) -> tuple[list[str], Iterator[list[str]]]:
    """Header and records of a CSV file, each record as long as the header; blank lines are left out.

    The file is read as the records are taken.

    Raises:
        InputError: the file cannot be read, has no header or names a column twice; while iterating, that it is no
            text, or a row too short or too long.
    """
    records = _records(path)
    return next(records), records


def _records(path: Path) -> Iterator[list[str]]:
    """The header, then the records."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            lines = filter(str.strip, file)
            first = next(lines, None)
            if first is None:
                raise InputError(f"{path} is empty; its first line must name the columns.")
            reader = csv.reader(chain([first], lines), delimiter=max(",;\t", key=first.count))
            header = [name.strip() for name in next(reader)]
            twice = {name for name in header if header.count(name) > 1}
            if twice:
                raise InputError(f"{path} names column '{min(twice)}' twice; rename one of the two.")
            yield header
            yield from _checked(reader, len(header), path)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); give the path of a CSV file.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text file in UTF-8; save the table as CSV (UTF-8).") from error


def _checked(reader: Iterator[list[str]], width: int, path: Path) -> Iterator[list[str]]:
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


def _input_columns(path: Path, header: list[str], target: str, columns: Sequence[str] | None) -> list[str]:
    for name in (target, *(columns or ())):
        if name not in header:
            raise InputError(f"{path} has no column '{name}'; its columns are {', '.join(header)}.")
    names = list(columns) if columns else [name for name in header if name != target]
    if target in names:
        raise InputError(f"--columns names the target '{target}', which is no input; leave it out.")
    if not names:
        raise InputError(f"{path} needs at least one input column beside the target '{target}'.")
    if len(set(names)) < len(names):
        raise InputError(f"--columns names '{max(names, key=names.count)}' twice; name each column once.")
    return names


class _NumberReader:
    """Turns records into numbers, a chunk at a time, and rejects or counts incomplete rows."""

    def __init__(self, path: Path, names: list[str], places: list[int], drop_incomplete: bool) -> None:
        self.path, self.names, self.drop_incomplete = path, names, drop_incomplete
        self.pick = itemgetter(*places)
        self.rows = self.incomplete = 0
        self.first = ""

    def read(self, records: Iterator[list[str]]) -> Iterator[tuple[FloatArray, IntArray]]:
        """Arrays of complete rows, ``(rows, len(names))``, finite, and their numbers."""
        picked = map(self.pick, records)
        while chunk := list(islice(picked, max(1, CHUNK_FIELDS // len(self.names)))):
            values = self._numbers(chunk)
            complete = np.isfinite(values).all(1)
            if not complete.all():
                self._count_incomplete(chunk, values)
            numbers = self.rows + 1 + np.flatnonzero(complete)
            self.rows += len(chunk)
            yield values[complete], numbers

    @property
    def notes(self) -> list[str]:
        if not self.incomplete:
            return []
        are, were = ("is", "was") if self.incomplete == 1 else ("are", "were")
        rows = f"{self.incomplete:,} of {self.rows:,} rows {are} incomplete"
        return [f"{rows} (first: row {self.first}) and {were} left out."]

    def _numbers(self, chunk: list[tuple[str, ...]]) -> FloatArray:
        fields = list(chain.from_iterable(chunk))
        try:
            if "_" in "".join(fields):  # Python takes 1_000 for a thousand; tables do not
                raise ValueError
            values = np.fromiter(map(float, fields), np.float64, len(fields))
        except ValueError:
            values = np.array([self._number(text, i) for i, text in enumerate(fields)], dtype=np.float64)
        return values.reshape(len(chunk), -1)

    def _number(self, text: str, i: int) -> float:
        if text.lower() in MISSING:
            return math.nan
        try:
            return float(text.replace("_", "?"))
        except ValueError:
            row, column = self.rows + 1 + i // len(self.names), self.names[i % len(self.names)]
            shown = repr(text if len(text) <= 40 else f"{text[:37]}...")
            raise InputError(
                f"{self.path}, row {row}, column '{column}' is {shown}, which is not a number; correct it, remove the "
                f"row, or choose other --columns."
            ) from None

    def _count_incomplete(self, chunk: list[tuple[str, ...]], values: FloatArray) -> None:
        rows, places = np.nonzero(~np.isfinite(values))
        row, place = int(rows[0]), int(places[0])
        where = f"{self.rows + row + 1}, column '{self.names[place]}' {_problem(chunk[row][place])}"
        if not self.drop_incomplete:
            raise InputError(
                f"{self.path}, row {where}; correct it, leave such rows out with --drop-incomplete, or choose other "
                f"--columns."
            )
        self.first = self.first or where
        self.incomplete += len(np.unique(rows))


def _problem(text: str) -> str:
    if not text:
        return "is empty"
    return f"is '{text}', a missing value" if text.lower() in MISSING - {"nan"} else f"is {text}, which is not finite"


def _redundant(names: list[str], inputs: FloatArray, leaders: list[int]) -> dict[str, str]:
    """Constant columns, as the lowest and highest row of each are at hand, and columns that equal an earlier one."""
    constant = inputs.min(0) == inputs.max(0)
    return {
        name: f"is {inputs[0, i]:g}" if constant[i] else f"equals '{names[leaders[i]]}'"
        for i, name in enumerate(names)
        if constant[i] or leaders[i] != i
    }
