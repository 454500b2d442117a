"""Reads a Parquet file by row groups, in batches."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from app.codecs.tables.arrow_stream import numbers_of
from app.predict.errors import PredictError, first_line
from app.predict.part import TablePart

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
        try:
            self._file = pa.parquet.ParquetFile(file, pre_buffer=False)
        except (pa.ArrowException, OSError) as error:
            raise PredictError(f"{name} is a broken Parquet file: {first_line(error)}.") from error
        self.schema = self._file.schema_arrow
        self.names: list[str] = self.schema.names
        self.total: int | None = self._file.metadata.num_rows

    def position(self, rows: int) -> int:
        return rows

    def parts(self) -> Iterator[TablePart]:
        rows = 0
        try:
            for batch in self._file.iter_batches(BATCH_ROWS):
                yield TablePart(batch, rows, [])
                rows += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise PredictError(f"{self._name} is a broken Parquet file: {first_line(error)}.") from error

    def numbers(self, column: Any, name: str) -> NDArray[np.float64]:
        return numbers_of(pa, column, name)
