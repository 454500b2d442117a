"""Acceptance: whether a candidate is the law of some rows, or only fits them."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray
from training.data.table_split import from_median
from training.metrics import relative_errors, relative_rmse
from training.symbolic.all_constants import linearised
from training.symbolic.candidate import Candidate, different_rows
from training.symbolic.constants import fit_constants
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.evidence.missing_evidence import missing_evidence
from training.symbolic.evidence.systematic import END_SHARE, is_systematic
from training.symbolic.residuals import learnable
from training.symbolic.snap import is_simple

UNDECIDED = "undecided"
LEARNABLE = "the residuals of the best candidate are not noise: they can be learned from the columns"
EXACT = 3e-7
"""Relative error that counts as rounding, of targets in float32 too."""
ROUNDING = 1e-15
"""Share of a float64 number that is rounding."""
FLOAT64_ERROR = 1e-12
"""Relative error up to which residuals are rounding of float64; what is left above it must be noise."""
MAX_UNEXPLAINED = 0.02
"""Share of the target's variance that a law may leave to noise."""
MAX_NOISE = 0.1
"""Relative size of the noise that a law may leave."""
MAX_END_ERROR = 0.01
"""Relative standard error of the mean of the rows at an end of a column, at most: a law that bends beyond is told by
them."""
MAX_CANCELLATION = 1e3
"""How many times larger than their sum terms may be, in the median row, unless all constants are simple."""
INNER_SHARE, MAX_OUTER_RATIO, FEW_OUTER = 0.7, 1.6, 4.0
"""Share of the rows that a law is fitted to again, how many times worse it may be on the others, and how much that
grows, over the root of their number, as few rows vary by chance."""


def rejection_reason(
    candidate: Candidate,
    inputs: FloatArray,
    target: FloatArray,
    weights: FloatArray | None = None,
    *,
    noise: bool = True,
    deadline: Deadline = NO_DEADLINE,
    names: Sequence[str] | None = None,
) -> str | None:
    """Why a candidate is rejected as the law of these rows; None if it is accepted.

    A law either fits to rounding, or leaves noise: so little that its constants settle on simple numbers, nothing in
    it that can be learned from the inputs, and no more of it on rows that it is not fitted to. The rows tell more than
    it takes to write it (``missing_evidence``); those that repeat others are no evidence.

    Args:
        candidate: with fitted constants.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.
        noise: consider noise; without it the answer is ``UNDECIDED`` unless the fit is exact.
        deadline: for what is to be decided about noise.
        names: of the columns, for the reason; None: ``x0``, ``x1`` and so on.

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
    if (points := len(np.unique(inputs, axis=0))) < 2 * candidate.complexity + 2:
        return f"{points} different rows are too few to tell a law from chance"
    if residuals.is_exact():
        return residuals.no_rounding() or residuals.missing_evidence(names)
    return residuals.too_much_noise() or residuals.missing_evidence(names) or residuals.more_than_noise(deadline)


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

    def no_rounding(self) -> str | None:
        """Why an exact fit is none: its errors are larger than those of float64, and no rounding of float32."""
        if self.cancels():
            return "the terms of the best candidate cancel one another"
        return LEARNABLE if self.size() > FLOAT64_ERROR and self.is_systematic() else None

    def size(self) -> float:
        """The typical relative error."""
        return min(float(np.median(self.relative_errors)) * 1.48, self.relative_rmse())

    def is_systematic(self) -> bool:
        """Whether errors, or those in proportion, whichever are of one size, follow from the columns."""
        sizes = np.stack([np.ones(len(self.target)), np.maximum(np.abs(self.predicted), 1e-300)])
        rests = self.errors / sizes
        spreads = [float(np.std(rest) / (np.median(np.abs(rest)) or 1.0)) for rest in rests]
        chosen = int(np.argmin(spreads))
        slopes = linearised(self.candidate, self.inputs)[1] / sizes[chosen][:, None]
        return is_systematic(self.inputs, rests[chosen], slopes)

    def missing_evidence(self, names: Sequence[str] | None) -> str | None:
        """In which variable the rows tell too little."""
        return missing_evidence(self.candidate, self.inputs, self.size(), names)

    def too_much_noise(self) -> str | None:
        """Why the noise, by its size alone, leaves a law in doubt."""
        unexplained = self.unexplained()
        if min(unexplained, self.unexplained_logarithm()) > MAX_UNEXPLAINED:
            return f"the best candidate leaves {unexplained:.0%} of the target's variance unexplained"
        if self.size() > MAX_NOISE:
            return f"the best candidate is off by {self.size():.0%}"
        needed = math.ceil((self.size() / MAX_END_ERROR) ** 2 / END_SHARE)
        if len(self.target) < needed:
            return f"with noise of {self.size():.1%}, {needed} rows are needed to see whether a law bends at its ends"
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
        if self.is_systematic() or any(learnable(self.inputs, rest, deadline) for rest in (self.errors, in_proportion)):
            return LEARNABLE
        distance = from_median(self.inputs).max(1)
        if self.fails_beyond(distance <= np.quantile(distance, INNER_SHARE), deadline):
            return "fitted to the inner rows, the best candidate fails on the outer ones"
        half = np.random.default_rng(0).permutation(len(self.target)) % 2 == 0
        if any(self.fails_beyond(rows, deadline, typical=_median) for rows in (half, ~half)):
            return "fitted to one half of the rows, the best candidate fails on the other"
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

    def fails_beyond(
        self, inner: BoolArray, deadline: Deadline, typical: Callable[[FloatArray, BoolArray], float] | None = None
    ) -> bool:
        """Whether the candidate, its constants fitted to some rows alone, ``(rows,)``, is worse on the others.

        Outer rows are compared by their mean error, which sees a few that are far off; halves by ``typical``, as a few
        stray rows are in one half by chance.
        """
        typical = typical or self.mean
        if inner.all():
            return False
        within = self.inputs[inner], self.target[inner]
        most = MAX_OUTER_RATIO + FEW_OUTER / np.sqrt((~inner).sum())
        for fitted in fit_constants(self.candidate, *within, deadline, self.weights[inner]):
            predicted = fitted.predict(self.inputs)
            for error in (np.abs(predicted - self.target), relative_errors(predicted, self.target)):
                if typical(error, ~inner) <= most * typical(error, inner):
                    return False
        return True


def _median(values: FloatArray, rows: BoolArray) -> float:
    """The median of some rows' values."""
    return float(np.median(values[rows]))
