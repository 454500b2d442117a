"""Tables of numbers: a file with columns of numbers and a target, of any length, in any usual notation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from models.arrays import FloatArray, IntArray
from training.data.table_sample import DuplicateColumns, RowSample
from training.data.tables.column_selection import ColumnSelection, select_columns, select_inputs
from training.data.tables.complete_rows import CompleteRows
from training.data.tables.excerpt import listed
from training.data.tables.layout import Layout, find_layout
from training.data.tables.open_table import DETECTED, TableFormat, open_table
from training.data.tables.table_source import TableSlice, TableSource
from training.errors import InputError


@dataclass(frozen=True)
class Table:
    """Input columns and a target, row by row.

    Shape:
        inputs: ``(rows, len(columns))``, finite float64. target: ``(rows, 1)``, finite float64. numbers, weights:
        ``(rows,)``.

    Args:
        columns: names of the input columns.
        target_name: name of the target.
        inputs: of the sampled rows.
        target: of the sampled rows.
        numbers: of these rows in the file, that below the header being 1.
        rows: complete rows of the file, of which ``inputs`` may be a sample.
        notes: sentences about how the file was read, and columns and rows left out.
        redundant: input columns without information, each with a clause such as ``"equals 'a'"``.
        weights: of these rows, 0 or more; None: all count alike.
    """

    columns: list[str]
    target_name: str
    inputs: FloatArray
    target: FloatArray
    numbers: IntArray
    rows: int
    notes: list[str]
    redundant: dict[str, str]
    weights: FloatArray | None = None


def read_table(
    path: Path,
    target: str,
    columns: Sequence[str] | None = None,
    *,
    weights: str | None = None,
    no_inputs: Sequence[str] = (),
    drop_incomplete: bool = False,
    seed: int = 0,
    table_format: TableFormat = DETECTED,
) -> Table:
    """Read a table from a text file, a spreadsheet, or a Parquet, Arrow or ORC file.

    All rows are read and checked, and about 65,536 sampled uniformly, beside those with the lowest and highest value of
    a column: any share of the outermost rows is a fair sample of that share of all.

    Args:
        path: the file; its content decides what it is.
        target: the column to be learned.
        columns: the input columns; None takes every column of numbers but the target.
        weights: the column that holds the weights of the rows, and is no input; None: all count alike.
        no_inputs: columns that are no inputs unless ``columns`` names them.
        drop_incomplete: leave out rows with missing or infinite values instead of refusing them.
        seed: of the sample of a long file.
        table_format: how the file is written, where that should not be found.

    Raises:
        InputError: the file, a column or a number is missing or unusable; the message names it and the repair.
    """
    source, layout = _open(path, [target, *filter(None, [weights]), *(columns or ())], table_format)
    selection = select_columns(path, source, layout, target, columns, table_format, weights, no_inputs)
    rows = CompleteRows(path, selection, drop_incomplete)
    sample, duplicates = RowSample(len(selection.names), seed), DuplicateColumns(len(selection.inputs))
    batches = source.batches(TableSlice(layout.start, len(layout.names), selection.indices, selection.notation.decimal))
    for values, numbers in _with_progress(path, rows.read(batches)):
        sample.add(values, numbers)
        duplicates.compare(values[:, : len(selection.inputs)])
    rows.check(sample.rows)
    notes = [*source.notes, *layout.notes, *selection.notes, *rows.notes, *sample.notes]
    return _table(selection, sample, duplicates, notes)


def _table(selection: ColumnSelection, sample: RowSample, duplicates: DuplicateColumns, notes: list[str]) -> Table:
    names, width = selection.inputs, len(selection.inputs)
    inputs, target = sample.values[:, :width], sample.values[:, -1:]
    weights = sample.values[:, width] if selection.weighted else None
    redundant = _redundant(names, inputs, duplicates.leaders)
    name = selection.names[-1]
    return Table(names, name, inputs, target, sample.numbers, sample.rows, notes, redundant, weights)


def informative(table: Table, source: str) -> tuple[Table, list[str]]:
    """The table without its redundant columns, and a sentence about each of them.

    Raises:
        InputError: no column is left.
    """
    kept = [i for i, name in enumerate(table.columns) if name not in table.redundant]
    if not kept:
        raise InputError(
            f"{source} has no input column that varies ({listed(table.columns)}); add one that the target depends on."
        )
    notes = [f"Column '{name}' {what} in every row and was left out." for name, what in table.redundant.items()]
    return replace(table, columns=[table.columns[i] for i in kept], inputs=table.inputs[:, kept], redundant={}), notes


def read_ranges(
    path: Path, columns: Sequence[str], *, drop_incomplete: bool = False, table_format: TableFormat = DETECTED
) -> tuple[list[tuple[float, float]], int, list[str]]:
    """Lowest and highest value of each of these columns of a table, the number of its complete rows, and notes.

    Raises:
        InputError: as ``read_table``.
    """
    source, layout = _open(path, columns, table_format)
    selection = select_inputs(path, source, layout, columns, table_format)
    rows, count = CompleteRows(path, selection, drop_incomplete), 0
    low, high = np.full(len(columns), np.inf), np.full(len(columns), -np.inf)
    batches = source.batches(TableSlice(layout.start, len(layout.names), selection.indices, selection.notation.decimal))
    for values, _ in _with_progress(path, rows.read(batches)):
        low, high = np.minimum(low, values.min(0, initial=np.inf)), np.maximum(high, values.max(0, initial=-np.inf))
        count += len(values)
    rows.check(count)
    notes = [*source.notes, *layout.notes, *selection.notes, *rows.notes]
    return list(zip(low.tolist(), high.tolist(), strict=True)), count, notes


def read_records(path: Path, names: Sequence[str] = ()) -> tuple[list[str], Iterator[list[str]]]:
    """Header and records of a table of text, each record as long as the header; blank lines are left out.

    The file is read as the records are taken.

    Args:
        path: the file.
        names: of columns that it has: the line that holds them is the header, whatever stands above.

    Raises:
        InputError: the file cannot be read, has no header or names a column twice; while iterating, that a row is too
            short or too long.
    """
    source, layout = _open(path, names, DETECTED)
    return layout.names, source.records(TableSlice(layout.start, len(layout.names)))


def _with_progress(path: Path, chunks: Iterator[tuple[FloatArray, IntArray]]) -> Iterator[tuple[FloatArray, IntArray]]:
    with tqdm(desc=f"reading {path.name}", unit=" rows", unit_scale=True, disable=None, delay=1, leave=False) as bar:
        for values, numbers in chunks:
            yield values, numbers
            bar.update(len(values))


def _open(path: Path, required: Sequence[str], table_format: TableFormat) -> tuple[TableSource, Layout]:
    source = open_table(path, required, table_format)
    header = True if source.named else table_format.header
    return source, find_layout(source.head, required, header=header, comment=source.comment)


def _redundant(names: list[str], inputs: FloatArray, leaders: list[int]) -> dict[str, str]:
    """Constant columns, as the lowest and highest row of each are at hand, and columns that equal an earlier one."""
    constant = inputs.min(0) == inputs.max(0)
    return {
        name: f"is {inputs[0, i]:g}" if constant[i] else f"equals '{names[leaders[i]]}'"
        for i, name in enumerate(names)
        if constant[i] or leaders[i] != i
    }
