"""Which fields of a table to read."""

from collections.abc import Sequence
from dataclasses import dataclass

HEAD_RECORDS = 1000
"""Records from which the layout and the notation of a table are found."""


@dataclass(frozen=True)
class Rows:
    """The rows of a table.

    Args:
        start: the first record that is a row.
        width: fields that every row must have.
        places: of the columns to read.
        decimal: the decimal mark of text, with which a spreadsheet's own numbers are to be written, too.
    """

    start: int
    width: int
    places: Sequence[int] = ()
    decimal: str = "."
