"""Tables as Arrow's IPC stream. Compressed buffers are refused, as no limit holds for what they decompress to."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.codecs.tables.columns import match_columns
from app.codecs.tables.table import Table, check_cells, check_size
from app.errors import InvalidInputError, TooLargeError, UnsupportedMediaTypeError
from app.settings import Settings
from models.manifest import Manifest

EXTRA = "pip install 'nalu-serve[tables]'"
MAX_REPEATS = 64
"""Most bytes of all batches, with the dictionaries that they share, for each byte of a stream."""
_HEADER_TYPE, _HEADER = 6, 8
"""Fields of a message, by their place in a flatbuffer's table of offsets (Arrow's Message.fbs)."""
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3
_DICTIONARY_DATA, _COMPRESSION = 6, 10


def read_arrow(body: bytes, manifest: Manifest, settings: Settings) -> Table:
    """Read a table for a model.

    Raises:
        UnsupportedMediaTypeError: pyarrow is not installed.
        InvalidInputError: it is no Arrow stream, is compressed, lacks a column of the model, or has a cell that is no
            finite number.
        TooLargeError: it has more rows or cells than the limits, or very many batches with the same large dictionary.
    """
    pa = import_pyarrow()
    try:
        _check_uncompressed(pa, body)
        with pa.ipc.open_stream(body) as stream:
            batches: list[Any] = []
            rows = size = 0
            for batch in stream:
                rows += batch.num_rows
                check_size(rows, batch.num_columns, settings)
                size += batch.get_total_buffer_size()
                if size > MAX_REPEATS * len(body):  # each batch is validated with the whole of its dictionaries
                    raise TooLargeError(
                        f"The Arrow stream has over {len(batches)} batches that share large dictionaries; write fewer "
                        "and larger batches."
                    )
                batch.validate(full=True)
                batches.append(batch)
            whole = pa.Table.from_batches(batches, stream.schema).combine_chunks()
    except (pa.ArrowException, ValueError, OSError, IndexError, struct.error) as error:
        raise InvalidInputError("The body is not a whole Arrow IPC stream; write it as pyarrow.ipc does.") from error
    names = whole.schema.names
    places, added = match_columns(names, manifest)
    columns = [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in whole.columns]
    numbers = [numbers_of(pa, columns[place], names[place]) for place in places]
    table = Table(names, columns, places, added, np.column_stack(numbers))
    check_cells(table, manifest)
    return table


def write_arrow(names: Sequence[str], columns: Sequence[Any]) -> bytes:
    """An Arrow stream of columns, which are Arrow arrays, NumPy arrays or lists."""
    pa = import_pyarrow()
    arrays = [column if isinstance(column, pa.Array) else pa.array(column) for column in columns]
    batch = pa.record_batch(arrays, names=list(names))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def cells_of(column: Any, name: str) -> Sequence[Any]:
    """The cells of an Arrow array as text; a list as it is.

    Raises:
        InvalidInputError: cells of its type have no text.
    """
    if isinstance(column, Sequence):
        return column
    try:
        cells: list[Any] = column.cast("string").to_pylist()
    except (ValueError, NotImplementedError) as error:  # what ArrowException is, too
        raise InvalidInputError(
            f"Column '{name}' is of type {column.type}, which has no text; leave it out, or ask for another type."
        ) from error
    return cells


def check_text(columns: Sequence[Any], names: Sequence[str], max_bytes: int) -> None:
    """Check how long cells are as text, where a few bytes of a dictionary, or of a view, may be many cells.

    Raises:
        TooLargeError: those of all columns have more bytes than the limit.
        InvalidInputError: cells of a type have no text.
    """
    pa = import_pyarrow()
    shared = [(column, name) for column, name in zip(columns, names, strict=True) if _shares(pa, column)]
    size = sum(int(_lengths(pa, column, name).sum()) for column, name in shared)
    if size > max_bytes:
        raise TooLargeError(
            f"The cells of {', '.join(name for _, name in shared[:3])} have {size} bytes as text; at most {max_bytes} "
            "are written, so ask for an Arrow stream, or send several tables."
        )


def _shares(pa: Any, column: Any) -> bool:
    """Whether cells of an Arrow array may share bytes."""
    types = pa.types
    return any(of(column.type) for of in (types.is_dictionary, types.is_string_view, types.is_binary_view))


def _lengths(pa: Any, column: Any, name: str) -> NDArray[np.int64]:
    """Bytes of each cell's text."""
    if pa.types.is_dictionary(column.type):
        places: NDArray[np.int64] = column.indices.drop_null().to_numpy()
        return _lengths(pa, column.dictionary, name)[places]
    if _shares(pa, column):
        views = np.frombuffer(column.buffers()[1], np.uint32).reshape(-1, 4)  # each begins with its length
        return views[column.offset : column.offset + len(column), 0].astype(np.int64)
    return np.array([len((text or "").encode()) for text in cells_of(column, name)], np.int64)


def numbers_of(pa: Any, column: Any, name: str) -> NDArray[np.float64]:
    """An Arrow array as float64, NaN where it is null.

    Raises:
        InvalidInputError: it is not of numbers.
    """
    types = pa.types
    if not (types.is_integer(column.type) or types.is_floating(column.type) or types.is_decimal(column.type)):
        raise InvalidInputError(f"Column '{name}' is of type {column.type}; the model takes numbers.")
    numbers: NDArray[np.float64] = (
        column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
    )
    return numbers


def import_pyarrow() -> Any:
    """pyarrow, with its IPC.

    Raises:
        UnsupportedMediaTypeError: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.ipc
    except ImportError as error:
        raise UnsupportedMediaTypeError(
            f"Arrow streams need pyarrow, which this service lacks: {EXTRA} adds it; text/csv needs nothing."
        ) from error
    return pa


def _check_uncompressed(pa: Any, body: bytes) -> None:
    """Reject compressed buffers: a few bytes of them may hold gigabytes, and pyarrow takes no limit.

    Raises:
        InvalidInputError: a message of the stream is compressed.
    """
    for message in pa.ipc.MessageReader.open_stream(body):
        metadata = memoryview(message.metadata)
        root = struct.unpack_from("<I", metadata)[0]
        kind, header = _field(metadata, root, _HEADER_TYPE), _field(metadata, root, _HEADER)
        if kind is None or header is None or metadata[kind] not in (_DICTIONARY_BATCH, _RECORD_BATCH):
            continue
        batch = _target(metadata, header)
        if metadata[kind] == _DICTIONARY_BATCH:
            data = _field(metadata, batch, _DICTIONARY_DATA)
            batch = batch if data is None else _target(metadata, data)
        if _field(metadata, batch, _COMPRESSION) is not None:
            raise InvalidInputError(
                "The Arrow stream has compressed buffers; write it without, and compress the body with gzip instead."
            )


def _target(metadata: memoryview, position: int) -> int:
    """Where the offset at a position points to."""
    return position + int(struct.unpack_from("<I", metadata, position)[0])


def _field(metadata: memoryview, table: int, field: int) -> int | None:
    """Where a field of a flatbuffer's table is; None if it is absent."""
    offsets = table - struct.unpack_from("<i", metadata, table)[0]
    size = struct.unpack_from("<H", metadata, offsets)[0]
    offset = struct.unpack_from("<H", metadata, offsets + field)[0] if field < size else 0
    return table + offset if offset else None
