"""Finds how a text file writes its records: delimiter, quote, escape character, and what stands above them."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from training.data.tables.fields import BLANK, is_missing, is_number

DELIMITERS = [",", ";", "\t", "|", " "]
RARE_DELIMITERS = [":", "^", "~", "\x1f", "\x01"]
"""Tried where the others find no columns: they stand in times and names."""
SNIFFED_RECORDS, SNIFFED_FIELDS = 200, 50
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
        score: how well the sample fits, from 0 to 1.1.
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
                yield [field.strip(BLANK) for field in record]

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


def find_dialect(lines: Sequence[str], delimiter: str | None = None) -> Dialect:
    """The dialect that fits most of the first records, and reads most of their fields as numbers.

    Args:
        lines: the first of the file.
        delimiter: the user's, instead of the one that fits best.
    """
    preamble, comment = 0, ""
    first = lines[0].lstrip("\ufeff") if lines else ""
    if found := SEP_LINE.fullmatch(first):
        delimiter, preamble = delimiter or found["delimiter"], 1
    while preamble < len(lines) and (
        lines[preamble].lstrip("\ufeff").startswith(COMMENT) or not lines[preamble].strip()
    ):
        comment = lines[preamble].strip().lstrip(COMMENT).strip() or comment
        preamble += 1
    dialects = [_scored(Dialect(mark), lines[preamble:]) for mark in ([delimiter] if delimiter else DELIMITERS)]
    if not delimiter and max(dialect.score for dialect in dialects) <= 0:
        dialects += [_scored(Dialect(mark), lines[preamble:]) for mark in RARE_DELIMITERS]
    best = max(dialects, key=lambda dialect: dialect.score)
    best = _with_quotes(best, lines[preamble:])
    return replace(best, preamble=preamble, comment=comment)


def _scored(dialect: Dialect, lines: Sequence[str]) -> Dialect:
    """With the share of records that have the usual width, times the share of fields that are numbers."""
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
    return replace(dialect, score=often / len(records) * (0.1 + numbers / max(1, len(fields))))


def _with_quotes(dialect: Dialect, lines: Sequence[str]) -> Dialect:
    """The dialect with apostrophes as quotes, or a backslash as escape character, where these fit better."""
    sample = "".join(lines[:SNIFFED_RECORDS])
    delimiter = re.escape(dialect.delimiter)
    first = lines[0].strip() if lines else ""
    quoted = rf"'[^']*'({delimiter}'[^']*')*"
    apostrophes = _scored(replace(dialect, quote="'"), lines) if "'" in sample else dialect
    if apostrophes.score > dialect.score or re.fullmatch(quoted, first):
        dialect = apostrophes
    if re.search(rf"\\[{re.escape(dialect.quote)}{delimiter}]", sample):
        escaped = _scored(replace(dialect, escape="\\"), lines)
        dialect = max(dialect, escaped, key=lambda each: each.score)
    return dialect
