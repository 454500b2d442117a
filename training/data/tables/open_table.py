"""Opens a table with the reader that its content needs, as the user says it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.tables.columnar import ColumnarFile
from training.data.tables.content import TEXT, WORKBOOK, kind_of
from training.data.tables.table_source import TableSource
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


def open_table(path: Path, required: Sequence[str] = (), table_format: TableFormat = DETECTED) -> TableSource:
    """The table in a file, by its content.

    Args:
        path: the file.
        required: columns that it has.
        table_format: how it is written.

    Raises:
        InputError: the file cannot be read, is no table or is empty.
    """
    kind = kind_of(path)
    source: TableSource
    if kind == TEXT:
        source = TextTable(path, required, delimiter=table_format.delimiter, encoding=table_format.encoding)
    elif kind == WORKBOOK:
        source = Workbook(path, table_format.sheet, required)
    else:
        source = ColumnarFile(path, kind)
    if not source.head:
        raise InputError(f"{path} is empty; its first line must name the columns.")
    return source
