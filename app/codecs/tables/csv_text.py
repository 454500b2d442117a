"""Tables as CSV (RFC 4180): UTF-8, with a header; delimited by commas, or where its header has none, by ; or tabs."""

import csv
import io
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from app.codecs.tables.cells import parse_number
from app.codecs.tables.columns import match_columns
from app.codecs.tables.table import Table, check_cells, check_size
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from models.manifest import Manifest

DELIMITERS = ",;\t"
ROWS_HELD = 1000
"""Rows that are lists at a time: Python keeps some of the memory of many small objects."""


def read_csv(body: bytes, manifest: Manifest, settings: Settings) -> Table:
    """Read a table for a model.

    Raises:
        InvalidInputError: it is no CSV in UTF-8, lacks a column of the model, or has a cell that is no finite number.
        TooLargeError: it has more rows or cells than the limits.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"The table is not in UTF-8 (byte {error.start}); convert it.") from error
    delimiter = delimiter_of(_first_line(text))
    cells = _count_cells(text, delimiter)
    if cells > settings.max_json_values:  # before a cell is read, which takes far more memory than a byte
        raise TooLargeError(
            f"The table has about {cells} cells; at most {settings.max_json_values} are taken, so send several."
        )
    names, columns, lines = _read_columns(text, delimiter, settings)
    places, added = match_columns(names, manifest)
    inputs = np.empty((len(lines), len(places)))
    for number, place in enumerate(places):
        inputs[:, number] = np.fromiter(map(parse_number, columns[place]), np.float64, len(lines))
    table = Table(names, columns, places, added, inputs, lines)
    check_cells(table, manifest)
    return table


def _first_line(text: str) -> str:
    line = text.partition("\n")[0]
    return line.partition("\r")[0]


def _count_cells(text: str, delimiter: str) -> int:
    """About how many cells the rows of a text have, or its header if that has more."""
    header = _first_line(text).count(delimiter)
    ends = max(text.count("\n"), text.count("\r"))
    return max(text.count(delimiter) - header + ends - 1, header + 1)


def _read_columns(text: str, delimiter: str, settings: Settings) -> tuple[list[str], list[list[str]], "array[int]"]:
    """The header, the columns and the lines where the rows end; blank lines are left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[list[str]] = []
    lines, count = array("L"), 0
    try:
        names = next(reader, [])
        columns: list[list[str]] = [[] for _ in names]
        for row in reader:
            if len(row) == len(names):
                count += 1
                if count <= settings.max_rows:  # those beyond are counted only, for the message
                    rows.append(row)
                    lines.append(reader.line_num)
                if count % ROWS_HELD == 0:
                    _move(rows, columns)
            elif row:
                raise InvalidInputError(
                    f"Row {count + 1} (line {reader.line_num}) has {len(row)} fields, the header has {len(names)}; "
                    f"give every row {len(names)}."
                )
    except csv.Error as error:
        raise InvalidInputError(f"Line {reader.line_num} of the table {fault_of_csv(error)}.") from error
    check_size(count, len(names), settings)
    _move(rows, columns)
    return names, columns, lines


def _move(rows: list[list[str]], columns: list[list[str]]) -> None:
    """Append rows to columns."""
    for column, cells in zip(columns, zip(*rows, strict=True), strict=False):  # none, where there are no rows
        column += cells
    rows.clear()


def fault_of_csv(error: csv.Error) -> str:
    """What is wrong with a table, as the end of a sentence without its dot."""
    longest = csv.field_size_limit()
    if str(longest) in str(error):
        return f"has a cell of more than {longest} characters; shorten it, or close a quote that was left open before"
    return f"is no CSV: {error}; quote as RFC 4180"


def write_csv(names: Sequence[str], columns: Sequence[Iterable[Any]]) -> bytes:
    """CSV of columns, whose cells are text, numbers, or None for a blank."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def delimiter_of(header: str) -> str:
    """The delimiter of a table, by what of its first line is not in quotes."""
    unquoted = "".join(header.split('"')[::2])
    return next((delimiter for delimiter in DELIMITERS if delimiter in unquoted), DELIMITERS[0])
