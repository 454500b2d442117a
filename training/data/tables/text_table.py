"""A table in a text file: CSV and its relatives, read by Arrow's CSV reader."""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from training.data.tables.content import refuse_markup
from training.data.tables.dialect import Dialect, find_dialect, split_lines
from training.data.tables.encoding import TextFile, read_text_file
from training.data.tables.excerpt import excerpt
from training.data.tables.records import check_widths, is_aside, read_records
from training.data.tables.table_source import HEAD_RECORDS, TableSlice
from training.errors import InputError

BLOCK_BYTES = 2**24
"""Of text that Arrow takes at a time: bounds the memory, whatever the file's length; no row may be longer."""


class TextTable:
    """Records of a text file.

    Args:
        path: the file.
        required: columns that it has.
        delimiter, encoding: the user's; None finds them.

    Attributes:
        head: the first records, at most a thousand.
        comment: the fields of the last comment above them.
        notes: sentences about its encoding.
        hint: that it may have another encoding, where a required name is not in ASCII.

    Raises:
        InputError: the file is no text, or a quote in its first lines is never closed.
    """

    named = False
    """Whether the first record is known to hold names."""

    def __init__(
        self, path: Path, required: Sequence[str] = (), *, delimiter: str | None = None, encoding: str | None = None
    ) -> None:
        self.path = path
        self.file = read_text_file(path, encoding, required)
        text, whole = self.file.head()
        refuse_markup(path, text)
        self._lines = split_lines(text)
        self.dialect = find_dialect(self._lines, required, delimiter)
        self.delimiter = self.dialect.delimiter
        self._head = list(islice(read_records(path, self._lines, self.dialect, whole=whole), HEAD_RECORDS))
        self.head = [record.fields for record in self._head]
        self.comment: Sequence[str] = next(self.dialect.records([self.dialect.comment]), [])
        self.notes = [f"{path} {self.file.found}."] if self.file.found else []
        other = self.file.found and not all(name.isascii() for name in required)
        self.hint = "; if it is in another encoding, give --encoding" if other else ""

    def records(self, part: TableSlice) -> Iterator[list[str]]:
        """All fields of these rows, row by row.

        Raises:
            InputError: a record has another width, or a quote is never closed.
        """
        with self.file.open() as text:
            yield from check_widths(self.path, read_records(self.path, text, self.dialect), part.start, part.width)

    def batches(self, part: TableSlice) -> Iterator[list[Any]]:
        """Arrow arrays of text of the chosen columns, many rows at a time.

        Raises:
            InputError: a record has another width, or a quote is never closed.
        """
        import pyarrow as pa

        count = _Count()
        try:
            with self._data(part.start) as data:
                for batch in _open_csv(data, self.dialect, self.file, part, count):
                    count.read += batch.num_rows
                    yield batch.columns
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                return
            self._find_error(part)
            why = excerpt(str(error), 100)
            raise InputError(f"{self.path} cannot be read as a table ({why}); save it as CSV again.") from error
        if self.file.quotes and count.read + count.left_out < self.file.lines - self._line_of(part.start):
            self._find_error(part)  # quotes with line breaks within: none may have swallowed rows

    def _find_error(self, part: TableSlice) -> None:
        """Read record by record, which names row and line of what Arrow cannot."""
        for _ in self.records(part):
            pass

    def _line_of(self, start: int) -> int:
        """Lines above the given record."""
        return self._head[start].line - 1 if start < len(self._head) else len(self._lines)

    @contextmanager
    def _data(self, start: int) -> Iterator[Any]:
        """The file from the given record on, as bytes in UTF-8."""
        above = "".join(self._lines[: self._line_of(start)])
        if self.file.raw and self.delimiter != " ":
            with self.path.open("rb") as file:
                file.seek(len(above.encode()) + 3 * (self.file.encoding == "utf-8-sig"))
                yield file
            return
        with self.file.open() as text:
            text.read(len(above))
            yield _Utf8(text, self.delimiter == " ")


@dataclass
class _Count:
    """Rows read, and lines left out because they hold nothing or a comment."""

    read: int = 0
    left_out: int = 0

    def on_invalid(self, row: Any) -> str:
        if not is_aside([row.text or ""]):
            return "error"
        self.left_out += 1
        return "skip"


def _open_csv(data: Any, dialect: Dialect, file: TextFile, part: TableSlice, count: _Count) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    names = [str(i) for i in range(part.width)]
    chosen = [names[i] for i in part.indices]
    quoted = dialect.quote in file.quotes
    return csv.open_csv(
        data,
        csv.ReadOptions(column_names=names, block_size=BLOCK_BYTES),
        csv.ParseOptions(
            delimiter=dialect.delimiter,
            quote_char=dialect.quote if quoted else False,
            double_quote=quoted and dialect.escape is None,
            escape_char=dialect.escape or False,
            newlines_in_values=quoted,
            invalid_row_handler=count.on_invalid,
        ),
        csv.ConvertOptions(
            include_columns=chosen, column_types=dict.fromkeys(chosen, pa.string()), strings_can_be_null=False
        ),
    )


class _Utf8:
    """A text as the bytes in UTF-8 that Arrow reads; with ``spaces``, runs of spaces and tabs as one space."""

    closed = False

    def __init__(self, text: io.TextIOWrapper, spaces: bool) -> None:
        self._text, self._spaces = text, spaces

    def read(self, size: int) -> bytes:
        if not self._spaces:
            return self._text.read(max(1, size // 4)).encode()
        lines = "".join(self._text.readlines(max(1, size // 4)))
        lines = re.sub(r"[ \t]+", " ", lines.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n"))
        return lines.replace(" \n", "\n").replace("\n ", "\n").strip(" ").encode()

    def close(self) -> None:
        """The file closes itself."""

    def readable(self) -> bool:
        return True
