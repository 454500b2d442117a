"""A table in a file that keeps columns with their types: Parquet, Arrow (Feather) and ORC, read by Arrow."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.data.tables.content import ARROW, PARQUET
from training.data.tables.excerpt import excerpt
from training.data.tables.fields import NativeNumber
from training.data.tables.table_source import HEAD_RECORDS, TableSlice
from training.errors import InputError

BATCH_ROWS = 2**17


class ColumnarFile:
    """The columns of a file.

    Attributes:
        head: the names and the first rows, as text.

    Raises:
        InputError: the file is damaged.
    """

    named = True
    delimiter = ","
    comment: Sequence[str] = ()
    hint = ""

    def __init__(self, path: Path, kind: str) -> None:
        import pyarrow as pa

        self.path, self._kind = path, kind
        self.notes: list[str] = []
        try:
            self._names, first = self._open(None)
            batch = next(first, None)
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error
        columns = [[_text(field) for field in column[:HEAD_RECORDS]] for column in batch.columns] if batch else []
        self.head = [list(self._names), *(list(row) for row in zip(*columns, strict=True))]

    def records(self, part: TableSlice) -> Iterator[list[str]]:
        """All fields of these rows as text, row by row."""
        for columns in self._batches(part.start, None):
            yield from (list(row) for row in zip(*([_text(field) for field in each] for each in columns), strict=True))

    def batches(self, part: TableSlice) -> Iterator[list[Any]]:
        """Arrow arrays, of text or numbers, of the chosen columns, many rows at a time."""
        return self._batches(part.start, part.indices)

    def _batches(self, start: int, picked: Sequence[int] | None) -> Iterator[list[Any]]:
        import pyarrow as pa

        places = range(len(self._names)) if picked is None else picked
        above = start - 1
        try:
            for batch in self._open([self._names[place] for place in places])[1]:
                rows = batch.slice(above)
                above = max(0, above - batch.num_rows)
                if rows.num_rows:
                    yield [_decoded(column) for column in rows.columns]
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def _open(self, names: Sequence[str] | None) -> tuple[list[str], Iterator[Any]]:
        """The names of all columns, and batches of those that are asked for."""
        if self._kind == PARQUET:
            from pyarrow import parquet

            file = parquet.ParquetFile(self.path)
            return file.schema_arrow.names, file.iter_batches(BATCH_ROWS, columns=names)
        if self._kind == ARROW:
            from pyarrow import feather

            table = feather.read_table(self.path, columns=names)
        else:
            from pyarrow import orc

            table = orc.read_table(self.path, columns=names)
        return table.column_names, iter(table.to_batches(BATCH_ROWS))

    def _damaged(self, error: Exception) -> InputError:
        why = excerpt(str(error), 80)
        return InputError(f"{self.path} is not a valid {self._kind} file ({why}); write it again, or give CSV.")


def _decoded(column: Any) -> Any:
    """Text as plain text, whether or not the file lists it by number."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
    ):
        return column.cast(kind)
    if pa.types.is_null(kind):
        return column.cast(pa.float64())
    return pa.array([_text(field) for field in column], pa.string())


def _text(field: Any) -> str:
    value = field.as_py()
    if value is None:
        return ""
    if isinstance(value, str | bool):
        return str(value).strip()
    return NativeNumber(value)
