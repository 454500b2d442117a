"""A table that was read: its columns as they came, and the model's as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.codecs.tables.cells import faults
from app.codecs.validation import MAX_ERRORS
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from models.manifest import Manifest

RULE = "give a finite number in every cell of the model's columns"


@dataclass(frozen=True)
class Table:
    """A table within the limits.

    Args:
        names: of its columns.
        columns: their cells by row: text, or Arrow arrays.
        places: where the model's columns are among them, in its order.
        added: names of the columns that the answer adds.
        inputs: the model's columns, ``(rows, columns)``.
        lines: where each row ends in a text.
    """

    names: Sequence[str]
    columns: Sequence[Any]
    places: Sequence[int]
    added: Sequence[str]
    inputs: NDArray[np.float64]
    lines: Sequence[int] | None = None

    def row_name(self, row: int) -> str:
        """How messages name a row; they count from 1, as spreadsheets and ``fit`` do."""
        return f"row {row + 1}" if self.lines is None else f"row {row + 1} (line {self.lines[row]})"

    def typed_columns(self) -> list[Any]:
        """The columns, those of the model as numbers where they came as text."""
        columns = list(self.columns)
        if self.lines is not None:
            for number, place in enumerate(self.places):
                columns[place] = self.inputs[:, number]
        return columns


def check_cells(table: Table, manifest: Manifest) -> None:
    """Check that a table has rows, and numbers in them.

    Args:
        table: what was read.
        manifest: of the model.

    Raises:
        InvalidInputError: it has no row, or a cell is blank, no number or not finite; the first are named.
    """
    if not len(table.inputs):
        raise InvalidInputError("The table has no rows; send at least one.")
    errors = []
    for row, column, fault in faults(table.inputs, manifest.columns, [table.columns[place] for place in table.places]):
        location = f"{table.row_name(row)}, column '{column}'"
        message = f"{location} {fault}; {RULE}."
        errors.append({"location": location, "message": message[0].upper() + message[1:]})
        if len(errors) == MAX_ERRORS:
            break
    if errors:
        raise InvalidInputError(errors[0]["message"], errors)


def check_size(rows: int, columns: int, settings: Settings) -> None:
    """Check the size of a table.

    Raises:
        TooLargeError: it has more rows, or more cells, than the limits.
    """
    if rows > settings.max_rows:
        raise TooLargeError(f"The table has {rows} rows; at most {settings.max_rows} are taken, so send several.")
    if rows * columns > settings.max_json_values:
        raise TooLargeError(
            f"The table has {rows * columns} cells; at most {settings.max_json_values} are taken, so send several."
        )
