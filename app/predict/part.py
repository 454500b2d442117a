"""A part of a table, as its reader gives it."""

from typing import Any, NamedTuple


class TablePart(NamedTuple):
    """Some rows of a table."""

    batch: Any
    """A record batch, which may be empty."""
    before: int
    """Rows of the table before this part, those that were left out among them."""
    left_out: list[tuple[int, str]]
    """Rows of this part that are not in the batch, by their number in it from 1, and why."""

    def number(self, index: int) -> int:
        """The number of a row of the batch, from 1 and in the whole table."""
        number = index + 1
        for other, _ in self.left_out:
            if other > number:
                break
            number += 1
        return self.before + number
