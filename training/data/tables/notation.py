"""Finds the decimal mark and the thousands separators of the numbers in a table."""

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from training.data.tables.excerpt import excerpt
from training.data.tables.fields import GROUP_MARKS, GROUPS, NUMBER, NativeNumber, bare_number
from training.errors import InputError

OTHER = {".": ",", ",": "."}
AMBIGUOUS = re.compile(r"[1-9]\d{0,2}(?P<mark>[.,])\d{3}")
"""A thousand and something, or a number with three decimals."""
COMMA_DELIMITERS = frozenset({";", "\t"})
"""Of the files that spreadsheets write where the decimal mark is a comma, and a point stands between thousands."""


@dataclass(frozen=True)
class Notation:
    """The marks in numbers.

    Args:
        decimal: between a number's whole and its fraction: ``.`` or ``,``.
        thousands: separators between thousands; there may be several kinds of space.
        note: a sentence about marks that were found; None where numbers are as Python writes them.
    """

    decimal: str = "."
    thousands: frozenset[str] = frozenset()
    note: str | None = None

    @property
    def plain(self) -> bool:
        """Whether numbers are as Python writes them."""
        return self.decimal == "." and not self.thousands


@dataclass
class _Evidence:
    """How many fields show that a mark is the decimal mark, or stands between thousands, and the first such field."""

    decimal: Counter[str] = dataclasses.field(default_factory=Counter)
    thousands: Counter[str] = dataclasses.field(default_factory=Counter)
    ambiguous: dict[str, str] = dataclasses.field(default_factory=dict)
    example: dict[str, str] = dataclasses.field(default_factory=dict)

    def add_column(self, fields: Iterable[str]) -> None:
        """Take in the fields of a column, native numbers aside."""
        ambiguous: dict[str, str] = {}
        ungrouped = False
        for field in fields:
            match = None if isinstance(field, NativeNumber) else NUMBER.fullmatch(bare_number(field))
            if match is None:
                continue
            digits = match["digits"]
            ungrouped = ungrouped or (digits.isdigit() and len(digits) > 3)
            if (found := AMBIGUOUS.fullmatch(digits)) and not match["exponent"]:
                ambiguous.setdefault(found["mark"], field)
            else:
                self._add(digits, field)
        for mark, field in ambiguous.items():
            if ungrouped:  # 1500 beside 1.234: no marks between thousands
                self._count(self.decimal, mark, field)
            else:
                self.ambiguous.setdefault(mark, field)

    def _add(self, digits: str, field: str) -> None:
        marks = [char for char in digits if char in GROUPS]
        if not marks:
            return
        last = marks[-1]
        whole = digits if marks.count(last) > 1 or last in GROUP_MARKS else digits[: digits.rindex(last)]
        if whole != digits:
            self._count(self.decimal, last, field)
        if marks[0] in whole and is_grouped(whole, marks[0]):
            self._count(self.thousands, marks[0], field)

    def _count(self, counter: Counter[str], mark: str, field: str) -> None:
        counter[mark] += 1
        if counter is self.thousands or mark not in self.example:
            self.example[mark] = field


def find_notation(
    columns: Sequence[Iterable[str]],
    delimiter: str,
    source: str,
    decimal: str | None = None,
    thousands: str | None = None,
) -> Notation:
    """The notation of the numbers in these columns, or that which the user gave.

    Raises:
        InputError: all numbers have one mark and three digits behind it, as thousands and decimals alike have.
    """
    evidence = _Evidence()
    for fields in columns:
        evidence.add_column(fields)
    found = decimal or (OTHER.get(thousands) if thousands else None) or _decimal(evidence, delimiter, source)
    other = OTHER[found]
    groups = {mark for mark in GROUP_MARKS if evidence.thousands[mark]}
    if evidence.thousands[other] or other in evidence.ambiguous:
        groups.add(other)
    if thousands:
        groups.add(thousands)
    return Notation(found, frozenset(groups), None if decimal and not groups else _note(found, groups, evidence))


def _decimal(evidence: _Evidence, delimiter: str, source: str) -> str:
    if evidence.decimal:
        return max(".,", key=lambda mark: evidence.decimal[mark])
    for mark, other in OTHER.items():
        if evidence.thousands[mark]:
            return other
    for mark, field in evidence.ambiguous.items():
        if mark == "," or delimiter in COMMA_DELIMITERS:
            text = excerpt(field)
            raise InputError(
                f"{source} has numbers such as '{text}', which may be thousands or have three decimals; "
                f"give --decimal '{mark}' or --thousands '{mark}'."
            )
    return "."


def _note(decimal: str, groups: set[str], evidence: _Evidence) -> str | None:
    marks = ["',' as the decimal mark"] if decimal == "," else []
    spaces = sorted(mark for mark in groups if mark.isspace())
    marks += [f"{mark!r} as the thousands separator" for mark in sorted(groups) if not mark.isspace()]
    marks += ["spaces as the thousands separator"] if spaces else []
    if not marks:
        return None
    examples = [evidence.example.get(mark) or evidence.ambiguous.get(mark) for mark in (*sorted(groups), decimal)]
    example = next((field for field in examples if field), None)
    return f"Numbers have {' and '.join(marks)}{f', such as {excerpt(example)}' if example else ''}."


def group_pattern(marks: Iterable[str], decimal: str) -> str:
    """A regular expression of Arrow's, of numbers with one of these marks between their thousands."""
    kinds = "|".join(rf"\d{{1,3}}(?:{re.escape(mark)}\d{{2,3}})*{re.escape(mark)}\d{{3}}" for mark in sorted(marks))
    return rf"^[+-]?(?:{kinds})(?:{re.escape(decimal)}\d*)?$"


def is_grouped(digits: str, mark: str) -> bool:
    """Whether a whole number has that mark between its thousands."""
    return GROUPS[mark].fullmatch(digits) is not None
