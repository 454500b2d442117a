"""Chooses the columns that a model learns from, and finds how their numbers are written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.tables.columns import BOOLEAN, EMPTY, NUMBERS, Column, find_column
from training.data.tables.excerpt import excerpt, listed
from training.data.tables.fields import clean_name
from training.data.tables.layout import Layout, missing_name
from training.data.tables.notation import Notation, find_notation
from training.data.tables.open_table import TableFormat
from training.data.tables.table_source import TableSource
from training.errors import InputError


@dataclass(frozen=True)
class ColumnSelection:
    """The input columns, the weights of the rows where there are any, and the target as the last.

    Args:
        names: of the columns.
        indices: of the columns in the file.
        columns: what each holds.
        notation: of their numbers.
        notes: sentences about columns left out, and signs read.
        weighted: the last column but one holds weights.
        targeted: the last column is the target.
    """

    names: list[str]
    indices: list[int]
    columns: list[Column]
    notation: Notation
    notes: list[str]
    weighted: bool = False
    targeted: bool = True

    @property
    def inputs(self) -> list[str]:
        """Names of the input columns."""
        return self.names[: len(self.names) - self.weighted - self.targeted]


def select_columns(
    path: Path,
    source: TableSource,
    layout: Layout,
    target: str,
    columns: Sequence[str] | None,
    table_format: TableFormat,
    weights: str | None = None,
    no_inputs: Sequence[str] = (),
) -> ColumnSelection:
    """The columns that the user named, or all that hold numbers but ``no_inputs``; then weights, and the target last.

    Raises:
        InputError: a column is missing, named twice or no input; or the notation of the numbers is ambiguous.
    """
    target = clean_name(target)
    named = [clean_name(name) for name in columns] if columns else None
    besides = [clean_name(weights)] if weights is not None else []
    _check_names(path, source, layout, [target, *(named or ())])
    _check_weights(path, layout, target, named or [], besides)
    kinds = _kinds(source, layout)
    others = {target, *besides, *map(clean_name, no_inputs)}
    inputs = named or [name for name in kinds if name not in others]
    left_out = [] if named else [name for name in inputs if kinds[name].kind not in {NUMBERS, BOOLEAN}]
    inputs = [name for name in inputs if name not in left_out]
    if not inputs:
        raise _no_inputs(path, target, {name: kinds[name] for name in left_out})
    used = [*inputs, *besides, target]
    indices, notation = _notation(path, source, layout, used, table_format)
    notes = _left_out({name: kinds[name] for name in left_out})
    notes += [notation.note] if notation.note else []
    notes += [note for name in used if (note := kinds[name].note(excerpt(name)))]
    return ColumnSelection(used, indices, [_as_numbers(kinds[name]) for name in used], notation, notes, bool(besides))


def select_inputs(
    path: Path, source: TableSource, layout: Layout, columns: Sequence[str], table_format: TableFormat
) -> ColumnSelection:
    """The columns that the user named, without a target.

    Raises:
        InputError: a column is missing or named twice; or the notation of the numbers is ambiguous.
    """
    named = [clean_name(name) for name in columns]
    _check_present(path, source, layout, named)
    _check_distinct(named)
    kinds = _kinds(source, layout)
    indices, notation = _notation(path, source, layout, named, table_format)
    notes = [notation.note] if notation.note else []
    return ColumnSelection(
        named, indices, [_as_numbers(kinds[name]) for name in named], notation, notes, targeted=False
    )


def _kinds(source: TableSource, layout: Layout) -> dict[str, Column]:
    """What each column holds, by the first rows."""
    rows = _whole_rows(source, layout)
    return {
        name: find_column([row[place] for row in rows]) if rows else Column()
        for place, name in enumerate(layout.names)
        if name
    }


def _notation(
    path: Path, source: TableSource, layout: Layout, names: Sequence[str], table_format: TableFormat
) -> tuple[list[int], Notation]:
    """Where the columns stand in the file, and how their numbers are written."""
    indices = [layout.names.index(name) for name in names]
    fields = [[row[i] for row in _whole_rows(source, layout)] for i in indices]
    return indices, find_notation(fields, source.delimiter, str(path), table_format.decimal, table_format.thousands)


def _whole_rows(source: TableSource, layout: Layout) -> list[list[str]]:
    return [row for row in source.head[layout.start :] if len(row) == len(layout.names)]


def _check_names(path: Path, source: TableSource, layout: Layout, required: Sequence[str]) -> None:
    _check_present(path, source, layout, required)
    target, *named = required
    if target in named:
        raise InputError(f"--columns names the target '{target}', which cannot be an input; leave it out.")
    _check_distinct(named)


def _check_present(path: Path, source: TableSource, layout: Layout, required: Sequence[str]) -> None:
    names = [name for name in layout.names if name]
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice:
        raise InputError(f"{path} names column '{excerpt(twice)}' twice; rename one of the two.")
    for name in required:
        if name not in names:
            raise InputError(f"{path} {missing_name(name, layout)}{source.hint}.")


def _check_distinct(named: Sequence[str]) -> None:
    if len(set(named)) < len(named):
        raise InputError(f"--columns names '{max(named, key=named.count)}' twice; name each column once.")


def _check_weights(path: Path, layout: Layout, target: str, named: Sequence[str], weights: Sequence[str]) -> None:
    for name in weights:
        if name not in layout.names:
            raise InputError(f"--weights names '{excerpt(name)}', but {path} {missing_name(name, layout)}.")
        if name == target:
            raise InputError(f"--weights names the target '{excerpt(name)}', which cannot weigh itself; leave it out.")
        if name in named:
            raise InputError(
                f"--weights and --columns both name '{excerpt(name)}'; weights are no input, so leave one out."
            )


def _as_numbers(column: Column) -> Column:
    """A column that the user named is one of numbers, whatever most of its fields hold; the first other is an error."""
    return column if column.kind in {NUMBERS, BOOLEAN} else Column()


def _no_inputs(path: Path, target: str, left_out: dict[str, Column]) -> InputError:
    need = f"{path} needs at least one input column of numbers besides the target '{excerpt(target)}'"
    found = f"; it has only {_described(left_out)}" if left_out else ""
    return InputError(f"{need}{found}.")


def _left_out(columns: dict[str, Column]) -> list[str]:
    if not columns:
        return []
    return [f"Left out {_described(columns)}."]


def _described(columns: dict[str, Column]) -> str:
    """Which columns hold what, such as ``'day' (dates, such as '2026-01-01')``."""
    kinds: dict[str, list[str]] = {}
    for name, column in columns.items():
        kinds.setdefault(column.kind, []).append(name)
    clauses = []
    for kind, names in kinds.items():
        such = "" if kind == EMPTY else f", such as '{excerpt(columns[names[0]].example, 20)}'"
        clauses.append(f"{listed(list(map(repr, names)))} ({kind}{such})")
    return " and ".join(clauses)
