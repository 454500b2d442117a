"""Writes tables as CSV or Parquet: complete, or not at all."""

import csv
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from app.predict.errors import PredictError

ROW_GROUP_ROWS = 2**17
"""At least so many rows are a row group of Parquet, unless fewer are left."""
_MARKS = (b'"', b",", b"\r", b"\n")
"""What a cell of CSV must be quoted for."""
_MARKED = '[",\r\n]'
_LEAST, _MOST = 1e-4, 1e10
"""Between these sizes, Arrow writes numbers as Python does, but for the ``.0`` of whole ones."""


class TableWriter(Protocol):
    """An open output."""

    typed: bool
    """Whether numbers are written as such, and not as the text that they came as."""

    def write(self, batch: Any) -> None:
        """Write a record batch of the schema that the output was opened with."""

    def close(self) -> None:
        """Write what ends the table."""


class CSVWriter:
    """Writes CSV, see ``TableWriter``.

    Args:
        file: to write to.
        schema: of the batches to come.
    """

    typed = False

    def __init__(self, file: BinaryIO, schema: Any) -> None:
        self._file = file
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(schema.names)
        file.write(header.getvalue().encode())

    def write(self, batch: Any) -> None:
        *texts, last = (_text(column, name) for column, name in zip(batch.columns, batch.schema.names, strict=True))
        ends = pc.binary_join_element_wise(last, "\n", "", null_handling="replace")
        lines = pc.binary_join_element_wise(*texts, ends, ",", null_handling="replace")
        self._file.write(lines.buffers()[2])

    def close(self) -> None: ...


class ParquetWriter:
    """Writes Parquet, see ``TableWriter``; takes the same arguments as ``CSVWriter``."""

    typed = True

    def __init__(self, file: BinaryIO, schema: Any) -> None:
        self._writer = pa.parquet.ParquetWriter(file, schema)
        self._batches: list[Any] = []

    def write(self, batch: Any) -> None:
        self._batches.append(batch)
        if sum(map(len, self._batches)) >= ROW_GROUP_ROWS:
            self._write_row_group()

    def close(self) -> None:
        self._write_row_group()
        self._writer.close()

    def _write_row_group(self) -> None:
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches))
            self._batches = []


WRITERS: dict[str, type[CSVWriter | ParquetWriter]] = {".csv": CSVWriter, ".parquet": ParquetWriter}


def writer_of(output: str) -> type[CSVWriter | ParquetWriter]:
    """What writes an output, by its ending; ``-``, which is stdout, is CSV.

    Raises:
        PredictError: the ending is another.
    """
    ending = ".csv" if output == "-" else Path(output).suffix.lower()
    if ending not in WRITERS:
        raise PredictError(f"The output '{output}' must end in {' or '.join(WRITERS)}, or be - for stdout.")
    return WRITERS[ending]


@contextmanager
def open_output(output: str) -> Iterator[BinaryIO]:
    """Open a file that takes its name once it is complete; ``-`` is stdout.

    Raises:
        PredictError: it cannot be written.
    """
    if output == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise PredictError(f"{output} cannot be written: {error.strerror}.") from error
    finally:
        part.unlink(missing_ok=True)


def _numbers(column: Any) -> Any:
    """An Arrow array of float64 as text, as Python and so the service writes them: 7.0, where Arrow writes 7."""
    text, values = column.cast(pa.string()), column.to_numpy(zero_copy_only=False)
    size = np.abs(values)
    other = ((size > 0) & (size < _LEAST)) | (size >= _MOST)
    whole = (np.trunc(values) == values) & ~other
    if whole.any():
        mask = pa.array(whole)
        text = pc.replace_with_mask(text, mask, pc.binary_join_element_wise(text.filter(mask), ".0", ""))
    if other.any():
        text = pc.replace_with_mask(text, pa.array(other), pa.array(map(repr, values[other].tolist()), pa.string()))
    return text


def _text(column: Any, name: str) -> Any:
    """An Arrow array as the text of CSV, quoted where it must be."""
    if not pa.types.is_string(column.type):
        try:
            column = _numbers(column) if pa.types.is_float64(column.type) else column.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise PredictError(
                f"Column '{name}' is of type {column.type}, which CSV cannot hold; write Parquet, or leave it out."
            ) from error
    content = column.buffers()[2]
    if content is None or not any(mark in content.to_pybytes() for mark in _MARKS):
        return column
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(pc.match_substring_regex(column, _MARKED), quoted, column)
