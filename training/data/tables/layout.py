"""Finds where the names and the rows of a table begin, and which columns carry neither name nor data."""

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from training.data.tables.excerpt import excerpt, listed
from training.data.tables.fields import TITLE_ROWS, clean_name, find_header, is_number, is_value, names_all

INDEX_PREFIXES = ("Unnamed: ", "__index_level_")
"""How pandas calls the index of a table that it wrote and read again."""
UNIT_ROWS = 3
"""Rows between names and numbers, of which more are taken for broken rows."""
NUMBERED = re.compile(r"x([1-9]\d*)")
"""Columns of a table without a header."""
RULE = re.compile(r":?--+:?")
"""A field of the line that Markdown has below a header."""
UNITLESS = frozenset({"", "-", "1"})


@dataclass(frozen=True)
class Layout:
    """Where what stands.

    Args:
        names: of all columns, in order; empty for a column that is left out.
        start: the first record that is a row.
        header: whether the file names its columns.
        notes: sentences about what was left out.
    """

    names: list[str]
    start: int
    header: bool = True
    notes: list[str] = dataclasses.field(default_factory=list)


def find_layout(
    records: Sequence[Sequence[str]],
    required: Sequence[str],
    *,
    header: bool | None = None,
    comment: Sequence[str] = (),
) -> Layout:
    """The layout of a table.

    Args:
        records: the first of the file, at least one.
        required: columns that the user named: the record that holds them all is the header.
        header: whether there is one; None finds out.
        comment: fields of the last comment above the table, which may name its columns.
    """
    width = _usual_width(records)
    place = None if header is False else _header(records, width, required)
    if place is None and header is None and names_all(comment, required):
        return _with_columns(records, [clean_name(field) for field in comment], Layout([], _first_row(records, width)))
    if place is None:
        start = _first_row(records, width)
        found = [] if header is False else ["The first line holds numbers, so the columns are named x1, x2 and so on."]
        return Layout([f"x{i + 1}" for i in range(width)], start, header=False, notes=found)
    notes = (
        []
        if not place
        else [f"{place:,} line{'s' * (place > 1)} above the header {'were' if place > 1 else 'was'} left out."]
    )
    names = [clean_name(field) for field in records[place]]
    return _without_units(records, _with_columns(records, names, Layout([], place + 1, notes=notes)))


def _usual_width(records: Sequence[Sequence[str]]) -> int:
    widths = Counter(len(record) for record in records)
    return max(widths.items(), key=lambda item: (item[0] > 1, item[1], item[0]))[0]


def _header(records: Sequence[Sequence[str]], width: int, required: Sequence[str]) -> int | None:
    """The record that names the columns; None where the first row is one of values."""
    if (named := find_header(records, required)) is not None:
        return named
    first = _first_row(records, width)
    before = next((place for place in range(first - 1, -1, -1) if len(records[place]) > 1), None)
    if before is not None and len(records[before]) < width and not _is_row(records[before]):
        return before  # names of another width than the rows, which are checked against it
    numbered = [NUMBERED.fullmatch(name) for name in required]
    if numbered and all(match and int(match[1]) <= width for match in numbered) and any(map(is_number, records[first])):
        return None
    return None if _is_row(records[first]) else first


def _first_row(records: Sequence[Sequence[str]], width: int) -> int:
    """The first record of full width, lines with a title in their first field left out."""
    for place, record in enumerate(records[:TITLE_ROWS]):
        if len(record) == width and (width == 1 or sum(map(bool, record)) > 1 or is_number(record[0])):
            return place
    return 0


def _is_row(record: Sequence[str]) -> bool:
    return all(map(is_value, record)) and any(map(is_number, record))


def _with_columns(records: Sequence[Sequence[str]], names: list[str], layout: Layout) -> Layout:
    """The layout with a name for every column; those to leave out have an empty one."""
    rows = records[layout.start :]
    width = _usual_width(rows) if rows else len(names)
    notes = list(layout.notes)
    if width == len(names) + 1 and rows:
        full = [row for row in rows if len(row) == width]
        if not any(row[-1] for row in full):
            names = [*names, ""]
        elif _are_row_names([row[0] for row in full]):
            names = ["", *names]
    elif width == len(names) - 1 and not names[-1]:
        names = names[:-1]
    for place, name in enumerate(names):
        fields = [row[place] for row in rows if place < len(row)]
        if (not name and any(fields)) or (name.startswith(INDEX_PREFIXES) and not place):
            what = "row names" if not place else "fields without a name"
            notes.append(f"Column {place + 1} holds {what} and was left out.")
    names = ["" if name.startswith(INDEX_PREFIXES) else name for name in names]
    return replace(layout, names=names, notes=notes)


def _are_row_names(fields: Sequence[str]) -> bool:
    """Whether fields are names or numbers of rows, as R writes them without a name above."""
    if len(set(fields)) < len(fields):
        return False
    if all(field.isdecimal() for field in fields):
        numbers = [int(field) for field in fields]
        return numbers == list(range(numbers[0], numbers[0] + len(numbers))) and numbers[0] in {0, 1}
    return not any(map(is_number, fields))


def _without_units(records: Sequence[Sequence[str]], layout: Layout) -> Layout:
    """The layout without the lines below the header that have no number where all others have one."""
    start, width = layout.start, len(layout.names)
    while start < layout.start + UNIT_ROWS and _is_unit_row(records[start:], width):
        start += 1
    if start == layout.start:
        return layout
    units = listed([field for record in records[layout.start : start] for field in record if field])
    which = "line" if start == layout.start + 1 else f"{start - layout.start} lines"
    notes = [
        *layout.notes,
        f"The {which} below the header ({units}) held no numbers and {'was' if which == 'line' else 'were'} left out.",
    ]
    return replace(layout, start=start, notes=notes)


def _is_unit_row(records: Sequence[Sequence[str]], width: int) -> bool:
    rows = [record for record in records[1:] if len(record) == width]
    if len(rows) < 2 or len(records[0]) != width:
        return False
    if all(RULE.fullmatch(field) for field in records[0] if field):
        return True
    numeric = [place for place in range(width) if sum(is_number(row[place]) for row in rows) * 2 > len(rows)]
    fields = [records[0][place] for place in numeric]
    named = [field for field in fields if field not in UNITLESS]
    return len(named) > 0 and all(not is_value(field) or field in UNITLESS for field in fields)


def missing_name(name: str, layout: Layout) -> str:
    """Why a table has no such column: a clause with the names that it has."""
    names = [each for each in layout.names if each]
    hint = ""
    if not layout.header:
        hint = " (the first line holds numbers, so the columns are numbered)"
    elif any(map(is_number, names)):
        hint = "; if its first line is a row, add --no-header"
    return f"has no column '{excerpt(name)}'; its columns are {listed(names)}{hint}"
