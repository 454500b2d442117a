"""How messages show what stands in a file: shortened, on one line, without control characters."""

from collections.abc import Sequence
from unicodedata import category

FIELD, NAMES = 40, 120
"""Characters of a field and of a list of names; a message with both stays below 200 characters of the file."""


def excerpt(text: str, limit: int = FIELD) -> str:
    """The text with control characters escaped, any space as a plain one, and at most ``limit`` characters."""
    shown = "".join(
        char if char.isprintable() else " " if category(char) == "Zs" else ascii(char)[1:-1]
        for char in text[: limit + 1]
    )
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def listed(names: Sequence[str]) -> str:
    """The names that fit, and the number of the others."""
    shown: list[str] = []
    for name in names:
        if shown and len(", ".join([*shown, excerpt(name)])) > NAMES:
            return f"{', '.join(shown)} and {len(names) - len(shown):,} more"
        shown.append(excerpt(name))
    return ", ".join(shown)
