"""What a command tells of its rows at the end."""

from app.codecs.tables.answer import Answer

MAX_NAMED = 10
"""Rows that are named; all of them have their reason in the output."""


class Summary:
    """Counts rows, and remembers the first without a prediction.

    Attributes:
        rows: that were read.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._extrapolated = 0
        self._without = 0
        self._named: list[tuple[int, str]] = []

    def add(self, answer: Answer, faults: dict[int, str]) -> None:
        """Count a batch.

        Args:
            answer: to its rows.
            faults: rows of it that hold no numbers.
        """
        if answer.extrapolated is not None:
            self._extrapolated += int(answer.extrapolated.sum()) - int(answer.extrapolated[list(faults)].sum())
        self._without += len(answer.warnings)
        free = MAX_NAMED - len(self._named)
        if free and answer.warnings:
            self._named += [(self.rows + row, answer.warnings[row]) for row in sorted(answer.warnings)[:free]]
        self.rows += len(answer.predictions)

    def sentences(self, output: str, left_out: list[tuple[int, str]], seconds: float) -> list[str]:
        """The sentences.

        Args:
            output: where the rows are.
            left_out: rows that could not be read as rows of the table, by their number, and why.
            seconds: that it took.
        """
        numbers = sorted(number for number, _ in left_out)
        named = [(_number(index, numbers), reason) for index, reason in self._named] + left_out
        shown = [f"Row {number}: {reason.rstrip('.')}." for number, reason in sorted(named)[:MAX_NAMED]]
        hidden = self._without + len(left_out) - len(shown)
        if hidden > 0:
            shown.append(f"... and {hidden:,} more row{'s' * (hidden > 1)}; the column 'warnings' has the reasons.")
        where = "stdout" if output == "-" else output
        counts = [f"{self._extrapolated:,} extrapolated", f"{self._without:,} without a prediction"]
        if left_out:
            counts.append(f"{len(left_out):,} left out")
        return [*shown, f"Wrote {self.rows:,} rows to {where} in {seconds:.1f} s: {', '.join(counts)}."]


def _number(index: int, left_out: list[int]) -> int:
    """The number of a row from 1, counting those that were left out before it."""
    number = index + 1
    for other in left_out:
        if other > number:
            break
        number += 1
    return number
