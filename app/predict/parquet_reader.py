"""Reads a Parquet file by row groups, in batches."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from app.codecs.tables.arrow_stream import numbers_of
from app.predict.errors import PredictError

BATCH_ROWS = 2**15


class ParquetReader:
    """An open Parquet file, see ``TableReader``.

    Args:
        file: to read from; it can be searched.
        name: in messages.

    Raises:
        PredictError: it is broken.
    """

    unit = " rows"
    is_text = False

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        self.left_out: list[tuple[int, str]] = []
        try:
            self._file = pa.parquet.ParquetFile(file, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise PredictError(f"{name} is a broken Parquet file: {first_line(error)}.") from error
        self.schema = self._file.schema_arrow
        self.names: list[str] = self.schema.names
        self.total: int | None = self._file.metadata.num_rows

    def position(self, rows: int) -> int:
        return rows

    def batches(self) -> Iterator[Any]:
        try:
            yield from self._file.iter_batches(BATCH_ROWS)
        except (pa.ArrowException, OSError) as error:
            raise PredictError(f"{self._name} is a broken Parquet file: {first_line(error)}.") from error

    def numbers(self, column: Any, name: str) -> NDArray[np.float64]:
        return numbers_of(pa, column, name)


def first_line(error: Exception) -> str:
    """The first line of an error of Arrow's, without the dot at its end."""
    return str(error).strip().partition("\n")[0].rstrip(".")[:200]
