"""What a field of a table may hold: a number in one of the usual notations, a missing value, a boolean, a date."""

import math
import re
import unicodedata
from collections.abc import Sequence

SPACES = "\u00a0\u202f\u2009\u2007"
"""No-break, narrow no-break, thin and figure space, as they stand between thousands."""
TITLE_ROWS = 20
"""Rows above the names, of which more are taken for broken rows."""
BLANK = f" \t\r\n\x00\x1a\ufeff{SPACES}"
"""Around a field these mean nothing."""
GROUP_MARKS = f" '\u2019{SPACES}"
"""Thousands marks that are never decimal marks."""
CURRENCY = "$€£¥₹"
MINUS = "\u2212\u2013\uff0d-"  # the hyphen last: it stands in classes of regular expressions
MISSING = frozenset(
    {"", "na", "n/a", "n.a.", "n/d", "nan", "-nan", "+nan", "null", "nil", "none", "<na>", "nat", "missing", "\\n"}
    | {".", "..", "...", "-", "--", "---", "\u2013", "\u2014", "?", "*", "1.#qnan", "-1.#qnan", "1.#ind", "-1.#ind"}
)
"""Spellings of a missing value, in any case."""
SPREADSHEET_ERROR = re.compile(r"#[^\W\d_][\w/ ]*[!?]?(/0!)?|#+|#N/A N/A|\*{3,}")
"""``#N/A``, ``#DIV/0!`` and their translations; a column too narrow to show its number; Fortran's overflow."""
INFINITE = frozenset({"inf", "infinity", "\u221e", "1.#inf"})
BOOLEANS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "wahr": 1.0, "falsch": 0.0, "vrai": 1.0, "faux": 0.0}
DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d\d.*)?|\d{1,2}:\d\d(:\d\d.*)?")
_MARKS = f".,{GROUP_MARKS}"
NUMBER = re.compile(
    rf"[+{MINUS}]?(?P<digits>\d+[.,]?\d*|[.,]\d+|\d{{1,3}}(?P<mark>[{_MARKS}])(?:\d{{2,3}}(?P=mark))*\d{{3}}(?:[.,]\d*)?)"
    rf"(?P<exponent>[eEdD][+-]?\d+)?"
)
"""A number in any notation; which marks mean what is found from many of them."""
GROUPS = {mark: re.compile(rf"\d{{1,3}}({re.escape(mark)}\d{{2,3}})*{re.escape(mark)}\d{{3}}") for mark in _MARKS}
"""A whole number with that mark between its thousands (or, in India, lakhs)."""


class NativeNumber(str):
    """A field that its file holds as a number, and not as text: its notation is Python's."""

    __slots__ = ()


def is_missing(text: str) -> bool:
    """Whether a stripped field is a spelling of a missing value."""
    return text.lower() in MISSING or SPREADSHEET_ERROR.fullmatch(text) is not None


def special_value(text: str) -> float | None:
    """The value of a stripped field that is missing (NaN) or infinite; None where it is neither."""
    if is_missing(text):
        return math.nan
    bare = text.lower().lstrip(f"+{MINUS}")
    if bare not in INFINITE or len(text) - len(bare) > 1:
        return None
    return -math.inf if text[0] in MINUS else math.inf


def bare_number(text: str) -> str:
    """A stripped field without currency sign, percent sign and the parentheses that accountants put for a minus."""
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    text = text.removesuffix("%").strip(BLANK)
    sign = text[:1] if text[:1] and text[:1] in f"+{MINUS}" else ""
    return sign + text[len(sign) :].strip(CURRENCY + BLANK)


def is_number(text: str) -> bool:
    """Whether a stripped field is a number in some notation, a currency or percent sign included."""
    return NUMBER.fullmatch(bare_number(text)) is not None or special_value(text) in {math.inf, -math.inf}


def is_value(text: str) -> bool:
    """Whether a stripped field is a value rather than the name of a column."""
    return is_number(text) or is_missing(text) or text.lower() in BOOLEANS or DATE.fullmatch(text) is not None


def clean_name(text: str) -> str:
    """A column's name on one line and in one Unicode form, so that it can be typed."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def find_header(records: Sequence[Sequence[str]], required: Sequence[str]) -> int | None:
    """The record that names all these columns, above the first row of numbers."""
    for place, record in enumerate(records[:TITLE_ROWS]):
        if names_all(record, required):
            return place
        if sum(map(is_number, record)) * 2 > len(record):
            return None
    return None


def names_all(fields: Sequence[str], required: Sequence[str]) -> bool:
    """Whether a record holds the names of all these columns, at least one."""
    names = {clean_name(field) for field in fields}
    return bool(required) and all(clean_name(name) in names for name in required)
