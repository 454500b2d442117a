"""Reads CSV in blocks, every cell as text: what passes through stays as it came, and one bad cell ends nothing."""

import csv
from collections.abc import Iterator
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from app.codecs.tables.cells import parse_number
from app.codecs.tables.csv_text import delimiter_of, fault_of_csv
from app.predict.errors import PredictError, first_line
from app.predict.part import TablePart

BLOCK_BYTES = 2**20
"""Parsed at a time."""
MAX_QUOTED_BYTES = 4 * BLOCK_BYTES
"""A quote that is not closed within so many is one in the middle of a cell."""
CONVERT = "convert it, as with `iconv -f LATIN1 -t UTF-8`"
MAX_ROW_BYTES = 16 * BLOCK_BYTES


class CSVReader:
    """An open CSV, see ``TableReader``.

    Args:
        file: to read from, at its beginning.
        name: in messages.
        size: in bytes; None if that is not known.

    Raises:
        PredictError: its header is no CSV in UTF-8.
    """

    is_text = True

    def __init__(self, file: BinaryIO, name: str, size: int | None) -> None:
        self._file = file
        self._name = name
        self.total = size
        self.unit = " rows" if size is None else "B"
        try:
            self.names = self._read_header()
        except UnicodeDecodeError as error:
            raise PredictError(f"{name} is not in UTF-8; {CONVERT}.") from error
        except csv.Error as error:
            raise PredictError(f"The header of {name} {fault_of_csv(error)}.") from error
        self.schema = pa.schema([(column, pa.string()) for column in self.names])
        self._nothing = pa.record_batch([pa.array([], pa.string()) for _ in self.names], schema=self.schema)

    def _read_header(self) -> list[str]:
        first = self._file.readline(BLOCK_BYTES).decode("utf-8-sig")
        self._delimiter = delimiter_of(first)
        lines = chain([first], (line.decode() for line in iter(lambda: self._file.readline(BLOCK_BYTES), b"")))
        return next(csv.reader(lines, delimiter=self._delimiter, strict=True), [])

    def position(self, rows: int) -> int:
        return rows if self.total is None else self._file.tell()

    def parts(self) -> Iterator[TablePart]:
        before = sound = 0
        for block in self._blocks():
            part = self._parse(block, before)
            before += part.batch.num_rows + len(part.left_out)
            sound += part.batch.num_rows
            yield part
        if before and not sound:
            raise PredictError(
                f"{self._name} has no row of {len(self.names)} fields, as many as its header has; give every row as "
                "many."
            )

    def _blocks(self) -> Iterator[bytes]:
        """The rest of the file in whole rows.

        Arrow's own streams parse every block twice where cells may have line breaks, to find where rows end.
        """
        rest = b""
        while chunk := self._read():
            block = rest + chunk
            end = last_row_end(block) or (block.rfind(b"\n") + 1 if len(block) > MAX_QUOTED_BYTES else 0)
            if end:
                yield block[:end]
            elif len(block) > MAX_ROW_BYTES:
                raise PredictError(f"{self._name} has a row of more than {MAX_ROW_BYTES} bytes; is it a CSV?")
            rest = block[end:]
        if rest:
            yield rest

    def _read(self) -> bytes:
        try:
            return self._file.read(BLOCK_BYTES)
        except OSError as error:  # of a disk or a network; not to be taken for one of the output
            raise PredictError(f"{self._name} cannot be read: {error.strerror}.") from error

    def _parse(self, block: bytes, before: int) -> TablePart:
        left_out: list[tuple[int, str]] = []

        def leave_out(row: Any) -> str:
            fields = f"{row.actual_columns} field{'s' * (row.actual_columns > 1)}"
            reason = f"it has {fields}, the header has {row.expected_columns}, so it was left out"
            left_out.append((row.number, reason))
            return "skip"

        try:
            table = pa.csv.read_csv(
                pa.BufferReader(block),
                pa.csv.ReadOptions(column_names=self.names, block_size=len(block) + 1, use_threads=False),
                pa.csv.ParseOptions(
                    delimiter=self._delimiter, newlines_in_values=b'"' in block, invalid_row_handler=leave_out
                ),
                pa.csv.ConvertOptions(column_types=self.schema),
            )
        except pa.ArrowInvalid as error:
            if not block.strip():
                return TablePart(self._nothing, before, [])
            is_encoding, place = "UTF8" in str(error), f"after row {before}"
            fault = f"not in UTF-8 {place}; {CONVERT}" if is_encoding else f"no CSV {place}: {first_line(error)}"
            raise PredictError(f"{self._name} is {fault}.") from error
        batches = table.combine_chunks().to_batches()
        return TablePart(batches[0] if batches else self._nothing, before, left_out)

    def numbers(self, column: Any, _: str) -> NDArray[np.float64]:
        try:
            numbers: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:  # a cell is no number, or has blanks around it
            numbers = np.array([parse_number(text) for text in column.to_pylist()])
        return numbers


def last_row_end(block: bytes) -> int:
    """Where the last line break outside quotes ends; 0 without one. Quotes within cells come in pairs."""
    quotes, end = block.count(b'"'), len(block)
    while end > 0:
        newline = block.rfind(b"\n", 0, end)
        quotes -= block.count(b'"', newline + 1, end)
        if quotes % 2 == 0:
            return newline + 1
        end = newline
    return 0
