"""Reads a text file record by record: the first of them, tables of text, and what is wrong with a broken file."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from training.data.tables.dialect import COMMENT, Dialect
from training.data.tables.fields import BLANK
from training.errors import InputError

RULE = re.compile(r"[-+=|: ]*--[-+=|: ]*")
"""A line that databases and Markdown draw below a header."""


@dataclass(frozen=True)
class Record:
    """The stripped fields of a record, and the line of the file that it begins in, from 1."""

    line: int
    fields: list[str]


class _LineTracker:
    """Lines of a file as they are taken: their number, those of the record at hand, and whether there are more."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.count = 0
        self.last: list[str] = []
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.count += 1
            self.last.append(line)
            yield line
        self.ended = True


def read_records(path: Path, lines: Iterable[str], dialect: Dialect, *, whole: bool = True) -> Iterator[Record]:
    """The records of a file that are not blank.

    Args:
        path: the file, for messages.
        lines: of the file, from its first on, with their ends.
        dialect: how they are written.
        whole: whether these are all lines; else a record that is unfinished with the last is no error.

    Raises:
        InputError: a quote is never closed, or closed too late; it names the line.
    """
    tracker = _LineTracker(islice(lines, dialect.preamble, None))
    reader = dialect.reader(tracker)
    while True:
        line = dialect.preamble + tracker.count + 1
        tracker.last.clear()
        problem = None
        try:
            fields = next(reader, None)
        except csv.Error as error:
            fields, problem = [], _csv_problem(str(error), tracker)
        if fields is None:
            return
        if len(tracker.last) > 1 and not problem:
            if tracker.ended and not whole:
                return
            problem = _quote_problem(tracker.last, dialect, line)
        if problem:
            raise InputError(f"{path}, line {line} {problem}.")
        if fields and (len(fields) > 1 or fields[0].strip(BLANK)):
            yield Record(line, dialect.strip(fields))


def check_widths(path: Path, records: Iterable[Record], start: int, width: int) -> Iterator[list[str]]:
    """The fields of the records from the given one on; blank lines and comments left out.

    Raises:
        InputError: a record has another width; it names row and line.
    """
    number = 0
    for record in islice(records, start, None):
        if len(record.fields) != width and is_aside(record.fields):
            continue
        number += 1
        if len(record.fields) != width:
            raise InputError(f"{path}, row {number} (line {record.line}) {_ragged(record.fields, width)}.")
        yield record.fields


def is_aside(fields: Sequence[str]) -> bool:
    """Whether a record of another width is blank, a comment or a rule."""
    text = "".join(fields).strip(BLANK)
    return not text or text.startswith(COMMENT) or RULE.fullmatch(text) is not None


def _ragged(fields: Sequence[str], width: int) -> str:
    repair = f"give every row {width} fields"
    if len(fields) == 2 * width:
        repair = "if its numbers have decimal commas, quote them or delimit them by semicolons"
    return f"has {len(fields)} fields, the header has {width}; {repair}"


def _csv_problem(error: str, tracker: _LineTracker) -> str:
    if len(tracker.last) > 1:
        return "opens a quote that is not closed; close or remove it"
    return f"is not CSV ({error}); correct or remove it"


def _quote_problem(lines: list[str], dialect: Dialect, line: int) -> str | None:
    """Why a record of several lines has a quote too many; None where its quotes are right."""
    if len(list(dialect.reader([*lines, "\n", "x\n"]))) < 2:
        return "opens a quote that is never closed; close or remove it"
    try:
        list(dialect.reader(lines, strict=True))
    except csv.Error:
        return f"opens a quote that is closed within line {line + len(lines) - 1}; double it, or remove it"
    return None
