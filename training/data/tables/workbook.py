"""A table in a spreadsheet: Excel's and OpenDocument's files, read by calamine."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from training.data.tables.excerpt import excerpt, listed
from training.data.tables.fields import BLANK, NativeNumber, find_header
from training.data.tables.table_source import HEAD_RECORDS, TableSlice
from training.errors import InputError


class Workbook:
    """The rows of the first sheet that has the required columns, else of the first that has rows; or of a named one.

    Attributes:
        head: the first rows as text.
        hint: where a missing column may be, a clause.
        notes: which sheet was read, if there are others.

    Raises:
        InputError: the file is damaged or protected, or has no such sheet.
    """

    named = False
    delimiter = ","
    comment: Sequence[str] = ()

    def __init__(self, path: Path, sheet: str | None = None, required: Sequence[str] = ()) -> None:
        self.path = path
        self.notes: list[str] = []
        self.hint = ""
        self._rows = self._read(sheet, required)
        self.head = self._rows[:HEAD_RECORDS]

    def records(self, part: TableSlice) -> Iterator[list[str]]:
        """All fields of these rows as text, row by row."""
        return iter(self._rows[part.start :])

    def batches(self, part: TableSlice) -> Iterator[list[Any]]:
        """The fields of the picked columns as Arrow arrays, of text; numbers in the sheet's own notation."""
        import pyarrow as pa

        def text(field: str) -> str:
            return field.replace(".", part.decimal) if isinstance(field, NativeNumber) else field

        below = self._rows[part.start :]
        if below:
            yield [pa.array([text(row[place]) for row in below], pa.string()) for place in part.indices]

    def _read(self, sheet: str | None, required: Sequence[str]) -> list[list[str]]:
        from python_calamine import CalamineError, PasswordError, load_workbook

        try:
            book = load_workbook(str(self.path))
            if sheet and sheet not in book.sheet_names:
                names = listed(book.sheet_names)
                raise InputError(f"{self.path} has no sheet '{excerpt(sheet)}'; its sheets are {names}.")
            name, rows = _choose(book, [sheet] if sheet else book.sheet_names, required)
        except PasswordError as error:
            raise InputError(f"{self.path} is protected by a password; save it without one.") from error
        except (CalamineError, OSError) as error:
            why = excerpt(str(error), 80)
            raise InputError(f"{self.path} is not a valid spreadsheet ({why}); save it again, or as CSV.") from error
        if not sheet and len(book.sheet_names) > 1:
            others = listed([each for each in book.sheet_names if each != name])
            self.notes.append(f"Read the sheet '{excerpt(name)}'; --sheet chooses another: {others}.")
            self.hint = f"; these are of sheet '{excerpt(name)}', and --sheet chooses another: {others}"
        return rows


def _choose(book: Any, names: Sequence[str], required: Sequence[str]) -> tuple[str, list[list[str]]]:
    """The first sheet with these columns, else the first with rows: its name, and its rows that are not empty."""
    chosen: tuple[str, list[list[str]]] = (names[0], [])
    for name in names:
        fields = ([_text(field) for field in row] for row in book.get_sheet_by_name(name).to_python())
        rows = [row for row in fields if any(row)]
        if find_header(rows, required) is not None:
            return name, rows
        if not chosen[1]:
            chosen = (name, rows)
    return chosen


def _text(field: object) -> str:
    """A field as text: numbers as Python writes them, times in ISO format."""
    if isinstance(field, str):
        return field.strip(BLANK)
    if isinstance(field, bool):
        return str(field)
    if isinstance(field, int | float):
        return NativeNumber(int(field) if field == int(field) and abs(field) < 2**53 else field)
    return str(field)
