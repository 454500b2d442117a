"""A table without a law of the dictionary, and the truth beyond its range that a claimed formula is tested by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.metrics import relative_errors, relative_rmse

Function = Callable[[FloatArray], FloatArray]
"""From inputs ``(rows, columns)`` to the target ``(rows,)``."""
COLUMNS = ("a", "b", "c")
POINTS = 200
"""Points beyond the range, half of them around its middle, half of them in multiples of its upper end."""
NEAREST, FARTHEST = 2.0, 5.0
"""How many times the range they lie out."""
FALSE_ERROR, FALSE_NOISES = 1e-3, 10.0
"""A claim is false if it is off by more than this, or by more than so many times the noise."""


@dataclass(frozen=True)
class Range:
    """A column of numbers drawn evenly between two."""

    low: float
    high: float

    def inside(self, rows: int, random: np.random.Generator) -> FloatArray:
        """Numbers in the range, ``(rows,)``."""
        return random.uniform(self.low, self.high, rows)

    def outside(self, random: np.random.Generator) -> FloatArray:
        """Numbers at two to five times the range; a range of positive numbers is left upwards only."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        times = random.uniform(NEAREST, FARTHEST, POINTS)
        signs = np.ones(POINTS) if self.low >= 0 else random.choice([-1.0, 1.0], POINTS)
        around, multiples = middle + signs * times * half, signs * times * self.high
        return np.where(np.arange(POINTS) % 2 == 0, around, multiples)


@dataclass(frozen=True)
class Codes:
    """A column of a few whole numbers; the next ones are unseen."""

    first: int
    levels: int

    def inside(self, rows: int, random: np.random.Generator) -> FloatArray:
        """Codes, each as often as the others, ``(rows,)``."""
        return self.first + random.permutation(np.arange(rows) % self.levels).astype(np.float64)

    def outside(self, random: np.random.Generator) -> FloatArray:
        """Unseen codes, as many as are seen."""
        return self.first + self.levels + random.integers(0, self.levels, POINTS).astype(np.float64)


Column = Range | Codes


@dataclass(frozen=True)
class LawlessCase:
    """A table and what is true beyond its range.

    Args:
        kind: of the truth.
        title: the truth and the table in a few words.
        columns: names of the columns.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        exact: the target without noise, ``(rows,)``.
        outside: points beyond the range, ``(points, columns)``.
        truth: there, ``(points,)``; nan where a claim is false whatever it says.
        noise: relative standard deviation of the target's errors.
    """

    kind: str
    title: str
    columns: Sequence[str]
    inputs: FloatArray
    target: FloatArray
    exact: FloatArray
    outside: FloatArray
    truth: FloatArray
    noise: float

    @classmethod
    def drawn(
        cls,
        kind: str,
        function: Function,
        columns: Sequence[Column],
        rows: int,
        noise: float,
        random: np.random.Generator,
        *,
        known: bool = True,
    ) -> "LawlessCase":
        """Draw rows and points; whether the function is known beyond the range."""
        inputs = np.stack([column.inside(rows, random) for column in columns], 1)
        outside = np.stack([column.outside(random) for column in columns], 1)
        with np.errstate(all="ignore"):
            exact, truth = function(inputs), function(outside) if known else np.full(POINTS, np.nan)
        target = exact * (1 + noise * random.standard_normal(rows))
        title = f"{kind}, {rows} rows, noise {noise:g}, {', '.join(map(_shown, columns))}"
        return cls(kind, title, COLUMNS[: len(columns)], inputs, target, exact, outside, truth, noise)

    def error(self, predicted: FloatArray) -> float:
        """How far a claim is off at the points: the median relative error or the relative RMSE, the larger."""
        known = np.isfinite(self.truth)
        if not known.any():
            return np.inf
        with np.errstate(all="ignore"):
            claimed, truth = predicted[known], self.truth[known]
            error = max(float(np.median(relative_errors(claimed, truth))), relative_rmse(claimed, truth))
        return error if np.isfinite(error) else np.inf

    def is_false(self, error: float) -> bool:
        """Whether a claim with this error is false."""
        return not error <= max(FALSE_ERROR, FALSE_NOISES * self.noise)

    def explains(self, predicted: FloatArray) -> bool:
        """Whether a formula's values on the rows, ``(rows,)``, are off from the truth by no more than the noise."""
        return bool(relative_rmse(predicted, self.exact) <= max(FALSE_ERROR, self.noise))

    def parts(self, first: float, other: float) -> bool:
        """Whether two formulas' values at a place differ by more than the noise."""
        return not abs(first - other) <= max(FALSE_ERROR, self.noise) * abs(first)


def _shown(column: Column) -> str:
    if isinstance(column, Codes):
        return f"codes {column.first} to {column.first + column.levels - 1}"
    return f"{column.low:g} to {column.high:g}"
