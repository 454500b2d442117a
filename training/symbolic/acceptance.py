"""Acceptance: whether a candidate is the law of some rows, or only fits them."""

from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray
from training.data.table_split import from_median
from training.metrics import relative_errors, relative_rmse
from training.symbolic.candidate import Candidate, different_rows
from training.symbolic.constants import fit_constants
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.residuals import learnable
from training.symbolic.snap import is_simple

UNDECIDED = "undecided"
LEARNABLE = "the residuals of the best candidate are not noise: they can be learned from the columns"
EXACT = 3e-7
"""Relative error that counts as rounding, of targets in float32 too."""
ROUNDING = 1e-15
"""Share of a float64 number that is rounding."""
ROWS_PER_NUMBER = 20
"""Rows for each number of a law, at least, where there is noise."""
MAX_UNEXPLAINED = 0.02
"""Share of the target's variance that a law may leave to noise."""
MAX_NOISE = 0.1
"""Relative size of the noise that a law may leave."""
MAX_CANCELLATION = 1e3
"""How many times larger than their sum terms may be, in the median row, unless all constants are simple."""
INNER_SHARE, MAX_OUTER_RATIO = 0.7, 1.6
"""Share of the rows that a law is fitted to again, and how many times worse it may be on the others."""


def rejection_reason(
    candidate: Candidate,
    inputs: FloatArray,
    target: FloatArray,
    weights: FloatArray | None = None,
    *,
    noise: bool = True,
    deadline: Deadline = NO_DEADLINE,
) -> str | None:
    """Why a candidate is rejected as the law of these rows; None if it is accepted.

    A law either fits to rounding, or leaves noise: so little that its constants settle on simple numbers, nothing in
    it that can be learned from the inputs, and no more of it on outer rows when it is fitted to inner ones. Rows that
    repeat others are no evidence.

    Args:
        candidate: with fitted constants.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.
        noise: consider noise; without it the answer is ``UNDECIDED`` unless the fit is exact.
        deadline: for what is to be decided about noise.

    Raises:
        DeadlineError: it has passed before noise is decided on.
    """
    once = different_rows(inputs, target)
    w = np.ones(len(once)) if weights is None else weights[once]
    residuals = _Residuals(candidate, inputs[once], target[once], candidate.predict(inputs[once]), w)
    if not np.isfinite(residuals.predicted).all():
        return "the best candidate does not give finite numbers on every row"
    if not residuals.is_exact() and not noise:
        return UNDECIDED
    points = len(np.unique(inputs, axis=0))
    if points < 2 * candidate.complexity + 2:
        return f"{points} different rows are too few to tell a law from chance"
    if residuals.is_exact():
        return "the terms of the best candidate cancel one another" if residuals.cancels() else None
    return residuals.too_much_noise() or residuals.more_than_noise(deadline)


@dataclass(frozen=True)
class _Residuals:
    """A candidate, different rows, its predictions for them and their weights, ``(rows,)``; medians take all alike."""

    candidate: Candidate
    inputs: FloatArray
    target: FloatArray
    predicted: FloatArray
    weights: FloatArray

    @property
    def errors(self) -> FloatArray:
        return self.predicted - self.target

    @property
    def relative_errors(self) -> FloatArray:
        """Errors as shares of the target, ``(rows,)``."""
        return relative_errors(self.predicted, self.target)

    def relative_rmse(self) -> float:
        """Of weighted squares."""
        root = np.sqrt(self.weights)
        return relative_rmse(root * self.predicted, root * self.target)

    def mean(self, values: FloatArray, rows: BoolArray | None = None) -> float:
        """The weighted mean of some values, of all rows or of some; not finite of none."""
        weights = self.weights if rows is None else self.weights * rows
        return float(np.average(values, weights=weights)) if weights.any() else np.nan

    def variance(self, values: FloatArray) -> float:
        """The weighted variance."""
        return self.mean((values - self.mean(values)) ** 2)

    def is_exact(self) -> bool:
        """Whether the errors are rounding, of the target and of what varies in it: beside 1e12 nearly all is small."""
        if not (self.relative_rmse() <= EXACT and np.median(self.relative_errors) <= EXACT):
            return False
        return bool(self.unexplained() <= MAX_UNEXPLAINED)

    def cancels(self) -> bool:
        """Whether sums are small differences of large terms: such sums fit anything where columns take few values."""
        if all(is_simple(constant) for constant in self.candidate.constants.tolist()):
            return False
        terms = np.abs(self.candidate.terms(self.inputs) * self.candidate.constants)
        sums, sum_index = np.abs(self.candidate.sums(self.inputs)), self.candidate.sum_index
        largest = np.stack([terms[:, sum_index == k].max(1) for k in range(sums.shape[1])], 1)
        largest, sums = largest[self.target != 0], sums[self.target != 0]  # at 0, terms cancel in a law too
        return bool((np.median(largest / np.maximum(sums, 1e-300), axis=0) > MAX_CANCELLATION).any())

    def too_much_noise(self) -> str | None:
        """Why the noise, by its size alone, leaves a law in doubt."""
        rows = len(self.target)
        if rows < ROWS_PER_NUMBER * self.candidate.complexity:
            return f"{rows} different rows are too few to tell a law from noise"
        unexplained = self.unexplained()
        if min(unexplained, self.unexplained_logarithm()) > MAX_UNEXPLAINED:
            return f"the best candidate leaves {unexplained:.0%} of the target's variance unexplained"
        size = min(float(np.median(self.relative_errors)) * 1.48, self.relative_rmse())
        if size > MAX_NOISE:
            return f"the best candidate is off by {size:.0%}"
        return None

    def more_than_noise(self, deadline: Deadline) -> str | None:
        """Why the residuals are not all noise."""
        twelfths = self.candidate.exponents * 12
        if np.abs(twelfths - np.round(twelfths)).max() > 1e-9:
            return "the exponents that fit are not simple fractions"
        constants = self.candidate.constants.tolist()
        if len(constants) > 1 and not all(is_simple(constant) for constant in constants):
            return "the constants of the best candidate cannot be told apart in the noise"
        in_proportion = self.errors / np.maximum(np.abs(self.predicted), 1e-300)
        if any(learnable(self.inputs, rest, deadline) for rest in (self.errors, in_proportion)):
            return LEARNABLE
        if self.fails_outwards(deadline):
            return "fitted to the inner rows, the best candidate fails on the outer ones"
        return None

    def unexplained(self) -> float:
        """Share of the target's variance that is left; variance within rounding counts as that of rounding."""
        rounding = ROUNDING * float(np.abs(self.target).max()) or 1.0
        return self.mean(self.errors**2) / max(self.variance(self.target), rounding**2)

    def unexplained_logarithm(self) -> float:
        if not (self.predicted * self.target > 0).all():
            return np.inf
        logs, goal = np.log(np.abs(self.predicted)), np.log(np.abs(self.target))
        return self.mean((logs - goal) ** 2) / max(self.variance(goal), 1e-300)

    def fails_outwards(self, deadline: Deadline) -> bool:
        """Whether the candidate, its constants fitted to the inner rows alone, is worse on the outer ones."""
        distance = from_median(self.inputs).max(1)
        inner = distance <= np.quantile(distance, INNER_SHARE)
        if inner.all():
            return False
        within = self.inputs[inner], self.target[inner]
        for fitted in fit_constants(self.candidate, *within, deadline, self.weights[inner]):
            predicted = fitted.predict(self.inputs)
            for error in (np.abs(predicted - self.target), relative_errors(predicted, self.target)):
                if self.mean(error, ~inner) <= MAX_OUTER_RATIO * self.mean(error, inner):
                    return False
        return True
