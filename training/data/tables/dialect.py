"""Finds how a text file writes its records: delimiter, quote, escape character, and what stands above them."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from training.data.tables.fields import BLANK, find_header, is_missing, is_number

DELIMITERS = [",", ";", "\t", "|", " ", ":", "^", "~", "\x1f", "\x01"]
"""The first of those that fit alike is taken."""
SNIFFED_LINES, SNIFFED_RECORDS, SNIFFED_FIELDS = 400, 200, 50
SEP_LINE = re.compile(r'"?sep=(?P<delimiter>[^"\r\n])"?[\r\n]*', re.IGNORECASE)
"""Excel's own first line."""
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
COMMENT = "#"


@dataclass(frozen=True)
class Dialect:
    """How records are written.

    Args:
        delimiter: one character; a space stands for any run of spaces and tabs.
        quote: around fields.
        escape: the character before a quote or delimiter that is none; None where quotes are doubled instead.
        preamble: lines above the first record that are not records: of Excel (``sep=;``) and comments.
        comment: the last comment above the first record, without its mark: it may name the columns.
        score: how well the sample fits.
    """

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None
    preamble: int = 0
    comment: str = ""
    score: float = 0.0

    def records(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The records of these lines, fields stripped; blank lines give none."""
        for record in self.reader(lines):
            if record and (len(record) > 1 or record[0].strip(BLANK)):
                yield self.strip(record)

    def strip(self, record: Sequence[str]) -> list[str]:
        """The fields without blanks around them, nor quotes behind a blank, which the csv module leaves."""
        fields = [field.strip(BLANK) for field in record]
        return [field[1:-1] if len(field) > 1 and field[0] == field[-1] == self.quote else field for field in fields]

    def reader(self, lines: Iterable[str], *, strict: bool = False) -> Iterator[list[str]]:
        """A reader of the csv module for this dialect; a strict one rejects characters behind a closing quote."""
        if self.delimiter == " ":
            lines = map(single_spaces, lines)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape,
            doublequote=self.escape is None,
            strict=strict,
        )


def single_spaces(line: str) -> str:
    """The line with single spaces between its words and none around them."""
    return re.sub(r"[ \t]+", " ", line.replace("\x00", "")).strip(" ").replace(" \n", "\n").replace(" \r", "\r")


def split_lines(text: str) -> list[str]:
    """The lines, with their ends: LF, CR LF or CR."""
    return LINE.findall(text)


def find_dialect(lines: Sequence[str], required: Sequence[str] = (), delimiter: str | None = None) -> Dialect:
    """The dialect in which the first records name the required columns, have one width, and hold most numbers.

    Args:
        lines: the first of the file.
        required: columns that the user named.
        delimiter: the user's, instead of the one that fits best.
    """
    preamble, comment = 0, ""
    if lines and (found := SEP_LINE.fullmatch(lines[0].lstrip("\ufeff"))):
        delimiter, preamble = delimiter or found["delimiter"], 1
    while preamble < len(lines) and _is_aside(lines[preamble].lstrip("\ufeff")):
        comment = lines[preamble].strip().lstrip(COMMENT).strip() or comment
        preamble += 1
    sample = lines[preamble : preamble + SNIFFED_LINES]
    quotes = "\"'" if any("'" in line for line in sample) else '"'
    there = [mark for mark in DELIMITERS if any(mark in line for line in sample)] or DELIMITERS[:1]
    dialects = [Dialect(mark, quote) for mark in ([delimiter] if delimiter else there) for quote in quotes]
    dialects += [replace(each, escape="\\") for each in dialects if _has_escapes(each, sample)]
    best = max((_scored(dialect, sample, required) for dialect in dialects), key=lambda dialect: dialect.score)
    return replace(best, preamble=preamble, comment=comment)


def _is_aside(line: str) -> bool:
    return not line.strip() or line.startswith(COMMENT)


def _has_escapes(dialect: Dialect, lines: Sequence[str]) -> bool:
    pattern = re.compile(rf"\\[{re.escape(dialect.quote)}{re.escape(dialect.delimiter)}]")
    return any(pattern.search(line) for line in lines)


def _scored(dialect: Dialect, lines: Sequence[str], required: Sequence[str]) -> Dialect:
    """With the share of records of the usual width, times that of fields that are numbers; more with the names."""
    try:
        records = list(islice(dialect.records(lines), SNIFFED_RECORDS))
    except csv.Error:
        return dialect
    widths = Counter(len(record) for record in records if len(record) > 1)
    if not widths:
        return dialect
    width, often = max(widths.items(), key=lambda item: (item[1], item[0]))
    fields = [field for record in records[1:] if len(record) == width for field in record[:SNIFFED_FIELDS]]
    numbers = sum(is_number(field) or is_missing(field) for field in fields)
    score = often / len(records) * (0.1 + numbers / max(1, len(fields)))
    if len(records[0]) != width:
        score *= 0.9 if abs(len(records[0]) - width) == 1 else 0.25
    if dialect.delimiter == " " and "\t" in lines[0]:
        score /= 4
    if dialect.escape:  # a backslash before a delimiter is hardly ever anything else
        score *= 1.5
    if find_header(records, required) is not None:
        score *= 4
    return replace(dialect, score=score)
