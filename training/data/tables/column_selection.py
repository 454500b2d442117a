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
    """

    names: list[str]
    indices: list[int]
    columns: list[Column]
    notation: Notation
    notes: list[str]
    weighted: bool = False

    @property
    def inputs(self) -> list[str]:
        """Names of the input columns."""
        return self.names[: -2 if self.weighted else -1]


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
    rows = [row for row in source.head[layout.start :] if len(row) == len(layout.names)]
    kinds = {
        name: find_column([row[place] for row in rows]) if rows else Column()
        for place, name in enumerate(layout.names)
        if name
    }
    others = {target, *besides, *map(clean_name, no_inputs)}
    inputs = named or [name for name in kinds if name not in others]
    left_out = [] if named else [name for name in inputs if kinds[name].kind not in {NUMBERS, BOOLEAN}]
    inputs = [name for name in inputs if name not in left_out]
    if not inputs:
        raise _no_inputs(path, target, {name: kinds[name] for name in left_out})
    used = [*inputs, *besides, target]
    indices = [layout.names.index(name) for name in used]
    fields = [[row[i] for row in rows] for i in indices]
    notation = find_notation(fields, source.delimiter, str(path), table_format.decimal, table_format.thousands)
    notes = _left_out({name: kinds[name] for name in left_out})
    notes += [notation.note] if notation.note else []
    notes += [note for name in used if (note := kinds[name].note(excerpt(name)))]
    return ColumnSelection(used, indices, [_as_numbers(kinds[name]) for name in used], notation, notes, bool(besides))


def _check_names(path: Path, source: TableSource, layout: Layout, required: Sequence[str]) -> None:
    names = [name for name in layout.names if name]
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice:
        raise InputError(f"{path} names column '{excerpt(twice)}' twice; rename one of the two.")
    for name in required:
        if name not in names:
            raise InputError(f"{path} {missing_name(name, layout)}{source.hint}.")
    target, *named = required
    if target in named:
        raise InputError(f"--columns names the target '{target}', which cannot be an input; leave it out.")
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
