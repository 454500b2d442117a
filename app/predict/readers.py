"""Reads tables in batches of bounded size: CSV and Parquet, told apart by their content."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.predict.csv_reader import CSVReader
from app.predict.errors import PredictError
from app.predict.parquet_reader import ParquetReader
from app.predict.part import TablePart

_PARQUET = b"PAR1"
_SIGNATURES = {
    b"PK\x03\x04": "a workbook or a zip archive; save the table in it as CSV or Parquet",
    b"\x1f\x8b": "compressed; decompress it, as with `zcat FILE | python -m app.predict MODEL -`",
    b"\x28\xb5\x2f\xfd": "compressed; decompress it, as with `zstdcat FILE | python -m app.predict MODEL -`",
    b"ARROW1": "an Arrow file; save the table as CSV or Parquet",
}
"""What other files begin with, and what they are."""


class TableReader(Protocol):
    """An open table."""

    names: list[str]
    """Of its columns."""
    schema: Any
    """Of its batches."""
    is_text: bool
    """Whether its numbers are text."""
    total: int | None
    """Where ``position`` ends; None if that is not known."""
    unit: str
    """Of ``position``, for a progress bar."""

    def position(self, rows: int) -> int:
        """How far the table has been read, after so many rows."""

    def parts(self) -> Iterator[TablePart]:
        """All rows in their order.

        Raises:
            PredictError: the table is broken.
        """

    def numbers(self, column: Any, name: str, /) -> NDArray[np.float64]:
        """A column of a batch as float64, not finite where a cell is no finite number."""


@contextmanager
def open_table(table: str) -> Iterator[TableReader]:
    """Open a table; ``-`` is CSV from stdin.

    Raises:
        PredictError: it cannot be read, or is neither CSV nor Parquet.
    """
    if table == "-":
        yield CSVReader(sys.stdin.buffer, "stdin", None)
        return
    path = Path(table)
    try:
        file = path.open("rb")
        size = path.stat().st_size
    except OSError as error:
        raise PredictError(f"{table} cannot be read: {error.strerror}.") from error
    with file:
        start = file.peek(8)
        other = next((kind for signature, kind in _SIGNATURES.items() if start.startswith(signature)), None)
        if other is not None:
            raise PredictError(f"{table} is {other}.")
        yield ParquetReader(file, table) if start.startswith(_PARQUET) else CSVReader(file, table, size)
