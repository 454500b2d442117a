"""What every reader of a table offers, and which part of the table it is to read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

HEAD_RECORDS = 1000
"""Records from which the layout and the notation of a table are found."""


@dataclass(frozen=True)
class TableSlice:
    """The part of a table to read.

    Args:
        start: the first record that is a row.
        width: fields that every row must have.
        indices: of the columns to read.
        decimal: the decimal mark of text, with which a spreadsheet's own numbers are to be written, too.
    """

    start: int
    width: int
    indices: Sequence[int] = ()
    decimal: str = "."


class TableSource(Protocol):
    """An opened table: its first records as text, and all of its fields.

    Attributes:
        head: the first records, about ``HEAD_RECORDS``.
        named: whether the first of them is known to be the header.
        delimiter: between the fields of a text.
        comment: fields of the comment above the first record.
        notes: sentences about how the file was read.
        hint: where a column that is missing may be, a clause; or empty.
    """

    head: list[list[str]]
    named: bool
    delimiter: str
    comment: Sequence[str]
    notes: list[str]
    hint: str

    def records(self, part: TableSlice) -> Iterator[list[str]]:
        """All fields of these rows as text, row by row."""
        ...

    def batches(self, part: TableSlice) -> Iterator[list[Any]]:
        """Arrow arrays of the chosen columns of these rows, many rows at a time."""
        ...
