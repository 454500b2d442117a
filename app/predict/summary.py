"""What a command tells of its rows at the end."""

from collections.abc import Sequence

from app.codecs.tables.answer import Answer
from app.predict.part import TablePart

MAX_NAMED = 10
"""Rows that are named; all of them have their reason in the output."""


class Summary:
    """Counts rows, and remembers the first without a prediction.

    Attributes:
        rows: that have been read and not left out.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._extrapolated = 0
        self._without = 0
        self._left_out = 0
        self._named: list[tuple[int, str]] = []

    def add(self, part: TablePart, answer: Answer, faults: Sequence[int]) -> None:
        """Count a part.

        Args:
            part: of the table.
            answer: to its rows.
            faults: indices of rows that hold no numbers.
        """
        self.rows += len(answer.predictions)
        if answer.extrapolated is not None:
            self._extrapolated += int(answer.extrapolated.sum()) - int(answer.extrapolated[faults].sum())
        self._without += len(answer.warnings)
        first = sorted(answer.warnings)[:MAX_NAMED] if len(self._named) < MAX_NAMED else []
        self.leave_out(part, [(part.number(row), answer.warnings[row]) for row in first])

    def leave_out(self, part: TablePart, others: Sequence[tuple[int, str]] = ()) -> None:
        """Count the rows that were left out of a part, and name them and others in their order."""
        self._left_out += len(part.left_out)
        left_out = [(part.before + number, reason) for number, reason in part.left_out[:MAX_NAMED]]
        self._named = [*self._named, *sorted([*left_out, *others])][:MAX_NAMED]

    def sentences(self, output: str, seconds: float) -> list[str]:
        """The sentences.

        Args:
            output: where the rows are.
            seconds: that it took.
        """
        lines = [f"Row {number}: {reason.rstrip('.')}." for number, reason in self._named]
        hidden = self._without + self._left_out - len(lines)
        if hidden > 0:
            lines.append(f"... and {hidden:,} more row{'s' * (hidden > 1)}; the column 'warnings' has the reasons.")
        where = "stdout" if output == "-" else output
        counts = [f"{self._extrapolated:,} extrapolated", f"{self._without:,} without a prediction"]
        if self._left_out:
            counts.append(f"{self._left_out:,} left out")
        return [*lines, f"Wrote {self.rows:,} rows to {where} in {seconds:.1f} s: {', '.join(counts)}."]
