"""Opens a table with the reader that its content needs, as the user says it is written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from training.data.tables.columnar import ColumnarFile
from training.data.tables.content import TEXT, WORKBOOK, kind_of
from training.data.tables.rows import Rows
from training.data.tables.text_table import TextTable
from training.data.tables.workbook import Workbook
from training.errors import InputError


@dataclass(frozen=True)
class TableFormat:
    """How a table is written, as the user says; None: it is detected from the content.

    Args:
        delimiter: between fields.
        decimal: the decimal mark, ``.`` or ``,``.
        thousands: the thousands separator.
        encoding: of the text, a codec of Python.
        header: whether the first line names the columns.
        sheet: of a spreadsheet.
    """

    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    header: bool | None = None
    sheet: str | None = None

    def __post_init__(self) -> None:
        if self.decimal and self.decimal == self.thousands:
            raise InputError(
                f"--decimal and --thousands are both '{self.decimal}'; give two marks, or one of the options."
            )


DETECTED = TableFormat()
"""Everything is detected."""


class TableSource(Protocol):
    """An opened table: its first records as text, and all of its fields.

    Attributes:
        head: the first records, a thousand at most.
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

    def records(self, rows: Rows) -> Iterator[list[str]]:
        """All fields of these rows as text, row by row."""
        ...

    def batches(self, rows: Rows) -> Iterator[list[Any]]:
        """Arrow arrays of the chosen columns of these rows, many rows at a time."""
        ...


def open_table(path: Path, wanted: Sequence[str] = (), form: TableFormat = DETECTED) -> TableSource:
    """The table in a file, by its content.

    Args:
        path: the file.
        wanted: columns that it has.
        form: how it is written.

    Raises:
        InputError: the file cannot be read, is no table or is empty.
    """
    kind = kind_of(path)
    source: TableSource
    if kind == TEXT:
        source = TextTable(path, wanted, delimiter=form.delimiter, encoding=form.encoding)
    elif kind == WORKBOOK:
        source = Workbook(path, form.sheet, wanted)
    else:
        source = ColumnarFile(path, kind)
    if not source.head:
        raise InputError(f"{path} is empty; its first line must name the columns.")
    return source
