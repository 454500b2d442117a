"""Turns the fields of a column into float64, many at a time."""

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.arrays import FloatArray, IntArray
from training.data.tables.columns import BOOLEAN, Column
from training.data.tables.fields import BLANK, BOOLEANS, CURRENCY, MINUS, special_value
from training.data.tables.notation import Notation, group_pattern

EXACT = 2.0**53
"""Above this, not every whole number is a float64."""


@dataclass(frozen=True)
class ParsedColumn:
    """Values of fields.

    Args:
        values: NaN where a field is missing or no number.
        wrong: places of the fields that are no numbers.
        rounded: the first whole number that is no float64; None where all are.
    """

    values: FloatArray
    wrong: IntArray = dataclasses.field(default_factory=lambda: np.empty(0, dtype=np.int64))
    rounded: str | None = None


def read_numbers(fields: Any, notation: Notation, column: Column) -> ParsedColumn:
    """The numbers in fields of text, or in an Arrow array of numbers."""
    import pyarrow as pa

    if not pa.types.is_string(fields.type):
        return _native(fields)
    values = _quick(fields, notation) if column.plain else None
    numbers = ParsedColumn(values) if values is not None else _thorough(fields, notation, column)
    return ParsedColumn(numbers.values, numbers.wrong, _first_rounded(fields, numbers.values))


def _native(fields: Any) -> ParsedColumn:
    """Of numbers and booleans that the file holds as such; nulls are NaN."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_boolean(fields.type):
        fields = pc.cast(fields, pa.int8())
    values = _floats(pc.cast(fields, pa.float64(), safe=False))
    large = np.flatnonzero(np.abs(values) >= EXACT) if pa.types.is_integer(fields.type) else ()
    rounded = next((str(fields[int(i)]) for i in large if int(values[i]) != fields[int(i)].as_py()), None)
    return ParsedColumn(values, rounded=rounded)


def _quick(fields: Any, notation: Notation) -> FloatArray | None:
    """All fields at once, if all are plain numbers; else None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if notation.thousands:
        return None
    if notation.decimal == ",":
        if pc.any(pc.match_substring(fields, ".")).as_py():
            return None
        fields = pc.replace_substring(fields, ",", ".")
    try:
        return _floats(pc.cast(fields, pa.float64()))
    except pa.ArrowInvalid:
        return None


def _thorough(fields: Any, notation: Notation, column: Column) -> ParsedColumn:
    """Field by field: numbers in any notation, missing values, infinities, booleans."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim(pc.fill_null(fields, ""), BLANK)
    trimmed = pc.replace_substring_regex(trimmed, r'^"(.*)"$', r"\1")  # quotes behind a space, which Arrow leaves
    text = pc.replace_substring_regex(_without_signs(trimmed, column), rf"^[{MINUS}]", "-")
    if notation.thousands:
        grouped = pc.match_substring_regex(text, group_pattern(notation.thousands, notation.decimal))
        marks = "".join(re.escape(mark) for mark in sorted(notation.thousands))
        text = pc.if_else(grouped, pc.replace_substring_regex(text, f"[{marks}]", ""), text)
    point = re.escape(notation.decimal)
    number = pc.match_substring_regex(text, rf"^[+-]?(?:\d+{point}?\d*|{point}\d+)(?:[eEdD][+-]?\d+)?$")
    text = pc.replace_substring_regex(pc.replace_substring(text, notation.decimal, "."), "[dD]", "e")
    values = _floats(pc.cast(pc.if_else(number, text, "nan"), pa.float64()))
    if column.percent:
        values = np.where(_mask(pc.ends_with(trimmed, "%")), values / 100, values)
    return _with_words(values, np.flatnonzero(~_mask(number)), trimmed, column)


def _without_signs(text: Any, column: Column) -> Any:
    import pyarrow.compute as pc

    if column.parentheses:
        text = pc.replace_substring_regex(text, r"^\((.*)\)$", r"-\1")
    if column.percent:
        text = pc.replace_substring_regex(text, rf"[{BLANK}]*%$", "")
    if column.currency:
        text = pc.replace_substring_regex(text, rf"^([+{MINUS}]?)[{BLANK}]*[{CURRENCY}][{BLANK}]*", r"\1")
        text = pc.replace_substring_regex(text, rf"[{BLANK}]*[{CURRENCY}]$", "")
    return text


def _with_words(values: FloatArray, places: IntArray, trimmed: Any, column: Column) -> ParsedColumn:
    """The values with those fields that hold words, each word looked up once."""
    if not len(places):
        return ParsedColumn(values)
    words = trimmed.take(places).dictionary_encode()
    meanings = [_meaning(word, column) for word in words.dictionary.to_pylist()]
    codes = np.asarray(words.indices.to_numpy(zero_copy_only=False))
    values = values.copy()
    values[places] = np.array([np.nan if meaning is None else meaning for meaning in meanings])[codes]
    wrong = np.array([meaning is None for meaning in meanings])[codes]
    return ParsedColumn(values, places[wrong])


def _meaning(word: str, column: Column) -> float | None:
    if column.kind == BOOLEAN and word.lower() in BOOLEANS:
        return BOOLEANS[word.lower()]
    return special_value(word)


def _first_rounded(fields: Any, values: FloatArray) -> str | None:
    large = np.flatnonzero((np.abs(values) >= EXACT) & np.isfinite(values))
    for place in large[:1000]:
        text = str(fields[int(place)]).strip(BLANK)
        if text.removeprefix("-").isdecimal() and int(text) != int(values[place]):
            return text
    return None


def _floats(array: Any) -> FloatArray:
    """Of float64; without nulls by DLPack, as Arrow's own way imports pandas where it is installed."""
    return np.asarray(array.to_numpy(zero_copy_only=False) if array.null_count else np.from_dlpack(array))


def _mask(array: Any) -> Any:
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.bool_)
