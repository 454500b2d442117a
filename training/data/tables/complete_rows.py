"""Reads the rows of the chosen columns as numbers, and rejects or counts those that are incomplete."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from models.arrays import FloatArray, IntArray
from training.data.tables.column_selection import ColumnSelection
from training.data.tables.excerpt import excerpt
from training.data.tables.fields import BLANK, NUMBER, is_missing
from training.data.tables.numbers import ParsedColumn, read_numbers
from training.errors import InputError


class CompleteRows:
    """Rows whose fields are all finite numbers.

    Args:
        path: the file, for messages.
        selection: its columns.
        drop_incomplete: count rows with missing or infinite values instead of rejecting them.
    """

    def __init__(self, path: Path, selection: ColumnSelection, drop_incomplete: bool) -> None:
        self.path, self.selection, self.drop_incomplete = path, selection, drop_incomplete
        self.rows = self.incomplete = self.empty = 0
        self.first = ""
        self.rounded: str | None = None

    def read(self, batches: Iterable[list[Any]]) -> Iterator[tuple[FloatArray, IntArray]]:
        """Arrays of complete rows, ``(rows, columns)``, finite, and their numbers.

        Raises:
            InputError: a field is no number, or a row is incomplete.
        """
        for fields in batches:
            columns = zip(fields, self.selection.columns, strict=True)
            numbers = [read_numbers(each, self.selection.notation, column) for each, column in columns]
            self._check_numbers(fields, numbers)
            self._check_rounding(numbers)
            values = np.column_stack([each.values for each in numbers])
            complete = np.isfinite(values).all(1)
            if not complete.all():
                self._count_incomplete(fields, values, complete)
            self._check_weights(values, complete)
            yield values[complete], self.rows + 1 + np.flatnonzero(complete)
            self.rows += len(values)

    def check(self, complete: int) -> None:
        """Check that there were rows at all.

        Raises:
            InputError: there were none, or none of them was complete.
        """
        if not self.rows or self.rows == self.empty:
            raise InputError(f"{self.path} has no rows below its header; add at least one row of numbers.")
        if not complete:
            raise InputError(f"{self.path} has no complete row (first: row {self.first}); fill in the missing values.")

    @property
    def notes(self) -> list[str]:
        """Sentences about rows left out and numbers rounded."""
        notes = []
        if self.empty:
            notes.append(f"{_rows(self.empty, self.rows)} empty and {_were(self.empty)} left out.")
        if self.incomplete:
            incomplete = _rows(self.incomplete, self.rows)
            notes.append(f"{incomplete} incomplete (first: row {self.first}) and {_were(self.incomplete)} left out.")
        if self.rounded:
            notes.append(f"{self.rounded} and were rounded to 16 digits.")
        return notes

    def _check_numbers(self, fields: list[Any], numbers: list[ParsedColumn]) -> None:
        places = [(int(each.wrong[0]), place) for place, each in enumerate(numbers) if len(each.wrong)]
        if not places:
            return
        row, place = min(places)
        text = str(fields[place][row].as_py()).strip(BLANK)
        plain = self.selection.notation.plain and not NUMBER.fullmatch(text)
        marks = "" if plain else f" (with '{self.selection.notation.decimal}' as the decimal mark)"
        where = f"{self.path}, row {self.rows + 1 + row}, column '{excerpt(self.selection.names[place])}'"
        raise InputError(
            f"{where} is {excerpt(text)!r}, which is not a number{marks}; correct it, remove the row, or "
            f"{self._another(place)}."
        )

    def _another(self, place: int) -> str:
        """How to do without a column; the target is the last, and weights stand before it."""
        selection = self.selection
        others = ["--columns"] * len(selection.inputs) + ["--weights"] * selection.weighted
        others += ["--target"] * selection.targeted
        return f"choose {'other' if others[place] == '--columns' else 'another'} {others[place]}"

    def _check_weights(self, values: FloatArray, complete: Any) -> None:
        if not self.selection.weighted:
            return
        weights = values[:, -2]
        below = np.flatnonzero(complete & (weights < 0))
        if len(below):
            place = int(below[0])
            where = f"{self.path}, row {self.rows + 1 + place}, column '{excerpt(self.selection.names[-2])}'"
            raise InputError(
                f"{where} is {float(weights[place]):g}, but a weight is 0 or more; correct it, or choose another "
                "--weights."
            )

    def _check_rounding(self, numbers: list[ParsedColumn]) -> None:
        for name, each in zip(self.selection.names, numbers, strict=True):
            if each.rounded and not self.rounded:
                number = excerpt(each.rounded)
                self.rounded = f"Whole numbers such as {number} in column '{excerpt(name)}' are above 2^53"

    def _count_incomplete(self, fields: list[Any], values: FloatArray, complete: Any) -> None:
        places = np.flatnonzero(~complete)
        empty = np.array([all(_is_empty(each[int(place)]) for each in fields) for place in places])
        self.empty += int(empty.sum())
        places = places[~empty]
        if not len(places):
            return
        row = int(places[0])
        column = int(np.flatnonzero(~np.isfinite(values[row]))[0])
        name = excerpt(self.selection.names[column])
        where = f"{self.rows + row + 1}, column '{name}' {_problem(fields[column][row].as_py())}"
        if not self.drop_incomplete:
            raise InputError(
                f"{self.path}, row {where}; correct it, leave such rows out with --drop-incomplete, or "
                f"{self._another(column)}."
            )
        self.first = self.first or where
        self.incomplete += len(places)


def _is_empty(field: Any) -> bool:
    value = field.as_py()
    return value is None or (isinstance(value, str) and not value.strip(BLANK))


def _problem(field: object) -> str:
    text = "" if field is None else str(field).strip(BLANK)
    if not text:
        return "is empty"
    missing = is_missing(text) and text.lower() != "nan"
    return f"is '{excerpt(text)}', a missing value" if missing else f"is {excerpt(text)}, which is not finite"


def _rows(count: int, total: int) -> str:
    return f"{count:,} of {total:,} rows {'is' if count == 1 else 'are'}"


def _were(count: int) -> str:
    return "was" if count == 1 else "were"
