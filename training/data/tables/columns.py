"""What the columns of a table hold, by a sample of their fields."""

from collections.abc import Sequence
from dataclasses import dataclass

from training.data.tables.excerpt import excerpt
from training.data.tables.fields import BOOLEANS, CURRENCY, DATE, is_missing, is_number

NUMBERS, BOOLEAN, TEXT, DATES, EMPTY = "numbers", "booleans", "text", "dates", "no value"


@dataclass(frozen=True)
class Column:
    """A column's kind, and what its numbers carry beside their digits.

    Args:
        kind: one of the kinds above.
        percent, currency, parentheses: signs that its numbers have.
        example: a field that shows the kind or the signs.
    """

    kind: str = NUMBERS
    percent: bool = False
    currency: bool = False
    parentheses: bool = False
    example: str = ""

    @property
    def plain(self) -> bool:
        """Whether the numbers carry nothing beside their digits."""
        return self.kind == NUMBERS and not (self.percent or self.currency or self.parentheses)

    def note(self, name: str) -> str | None:
        """A sentence about how its fields are read, where it is not plain."""
        if self.kind == BOOLEAN:
            return f"Column '{name}' holds booleans, such as {self.example}, read as 1 and 0."
        if self.kind == NUMBERS and self.percent:
            return f"Column '{name}' holds percentages, read as fractions: 5% as 0.05."
        if self.kind == NUMBERS and (self.currency or self.parentheses):
            marks = ["currency signs"] * self.currency + ["parentheses for a minus"] * self.parentheses
            found = f"has {' and '.join(marks)}, as in {excerpt(self.example)}"
            return f"Column '{name}' {found}, and was read as plain numbers."
        return None


def find_column(fields: Sequence[str]) -> Column:
    """What a column holds, by most of its fields that are not missing.

    A stray text among numbers leaves it a column of numbers, in which the text is then an error.
    """
    present = [field for field in fields if not is_missing(field)]
    if not present:
        return Column(EMPTY if not any(fields) else NUMBERS)
    if all(field.lower() in BOOLEANS for field in present):
        return Column(BOOLEAN, example=present[0])
    others = [field for field in present if not is_number(field)]
    if len(others) * 2 > len(present):
        dates = sum(DATE.fullmatch(field) is not None for field in others)
        return Column(DATES if dates * 2 > len(others) else TEXT, example=others[0])
    numbers = [field for field in present if is_number(field)]
    percent = sum(field.endswith("%") for field in numbers) * 2 > len(numbers)
    currency = any(sign in field for field in numbers for sign in CURRENCY)
    parentheses = any(field.startswith("(") for field in numbers)
    example = next(
        (field for field in numbers if field.startswith("(") or any(sign in field for sign in CURRENCY)), numbers[0]
    )
    return Column(NUMBERS, percent, currency, parentheses, example)
