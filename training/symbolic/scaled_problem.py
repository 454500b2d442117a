"""A table as the search sees it, without constant columns and scaled, and its candidates in the table as it is."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.alternatives import FrontEntry, Rival
from models.arrays import BoolArray, FloatArray
from models.law import Law
from training.metrics import predict, relative_rmse
from training.symbolic.candidate import Candidate
from training.symbolic.formula import formula
from training.symbolic.rivals.rivals import Rival as FoundRival
from training.symbolic.scaling import Scaling, scaled

MAX_LOSS = 1e-9
"""Relative error that a law may gain where it is computed from columns of extreme size."""

Table = tuple[FloatArray, FloatArray]
"""Inputs ``(rows, columns)`` and target ``(rows,)``."""


@dataclass(frozen=True)
class ScaledProblem:
    """A table, and the one that is searched.

    Args:
        names: of the table's columns.
        varied: which of them vary, ``(columns,)``.
        table: as it is.
        scaling: of the columns that vary.
        searched: those columns, scaled.
    """

    names: Sequence[str]
    varied: BoolArray
    table: Table
    scaling: Scaling
    searched: Table

    @classmethod
    def of(cls, inputs: FloatArray, target: FloatArray, varied: BoolArray, names: Sequence[str]) -> "ScaledProblem":
        """The problem of a table of inputs ``(rows, columns)`` and a target ``(rows,)``."""
        scaling, x, y = scaled(inputs[:, varied], target)
        return cls(names, varied, (inputs, target), scaling, (x, y))

    def law(self, candidate: Candidate) -> Candidate:
        """A candidate of the searched table, for the table as it is."""
        return self.scaling.restored(candidate).widened(self.varied)

    def text(self, candidate: Candidate) -> str:
        """The formula of a candidate."""
        law = self.law(candidate)
        used = law.used  # a name takes time for every column
        used[: int(not used.any())] = True
        names = [name for name, kept in zip(self.names, used, strict=True) if kept]
        expression = formula(law.of_columns(used).network(), names)
        assert expression is not None  # a law always has one
        return expression.text

    def front(self, front: Sequence[tuple[Candidate, float]]) -> list[FrontEntry]:
        """Candidates with their relative errors as formulas, without those that overflow."""
        return [
            FrontEntry(formula=self.text(candidate), complexity=candidate.complexity, relative_rmse=error)
            for candidate, error in front
            if math.isfinite(error)
        ]

    def rivals(self, best: Candidate, found: Sequence[FoundRival]) -> list[Rival]:
        """The best candidate and its rivals as formulas, with where they part; empty without rivals."""
        if not found:
            return []
        (x, y), columns = self.searched, np.flatnonzero(self.varied)
        error = relative_rmse(best.predict(x), y)
        everyone = [FoundRival(best, error, 0.0, {}), *found]
        return [
            Rival(
                formula=self.text(rival.candidate),
                complexity=rival.candidate.complexity,
                relative_rmse=rival.relative_rmse,
                bits=rival.bits,
                parts_at={
                    self.names[columns[place]]: value * 10.0 ** int(self.scaling.columns[place])
                    for place, value in rival.parts_at.items()
                },
            )
            for rival in everyone
        ]

    def network(self, candidate: Candidate) -> Law:
        """The network of a candidate.

        Raises:
            ValueError: its relative error is larger in the table as it is, as it overflows or vanishes there.
        """
        network, (x, y), (inputs, target) = self.law(candidate).network(), self.searched, self.table
        if not self.scaling.is_needed:
            return network
        error = relative_rmse(candidate.predict(x), y)
        if not relative_rmse(predict(network, inputs)[:, 0], target) <= error + MAX_LOSS:
            raise ValueError(
                f"the best candidate overflows or vanishes in float64 where the largest input is "
                f"{np.abs(inputs).max():g} and the largest target {np.abs(target).max():g}, so scale the columns "
                f"nearer to 1."
            )
        return network


class SearchProgress:
    """Reports the kind of candidates that is tried, and the best formula so far.

    Args:
        report: called with both as one line; None: nobody watches, and no formula is written.
        text: the formula of a candidate.
    """

    def __init__(self, report: Callable[[str], None] | None, text: Callable[[Candidate], str]) -> None:
        self._report, self._text = report, text
        self._kind = self._best = ""

    def tried(self, kind: str) -> None:
        """Report a kind of candidates."""
        self._kind = kind
        self._show()

    def best(self, candidate: Candidate) -> None:
        """Report the best candidate so far."""
        if self._report is not None:
            self._best = f"; so far {_short(self._text(candidate))}"
            self._show()

    def _show(self) -> None:
        if self._report is not None:
            self._report(self._kind + self._best)


MAX_LETTERS = 60
"""Of the best formula so far."""


def _short(formula_text: str) -> str:
    return formula_text if len(formula_text) <= MAX_LETTERS else f"{formula_text[: MAX_LETTERS - 3]}..."
