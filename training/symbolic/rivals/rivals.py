"""Rivals of a candidate that would be accepted: formulas no longer than it that explain the rows as well.

Formulas are compared by their description length in bits (Rissanen 1978): what their errors take to write, their
structure, and their constants to the precision that the rows know them to.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.metrics import relative_rmse
from training.symbolic.all_constants import all_constants, fitted_places, linearised, with_constants
from training.symbolic.candidate import Candidate, description_length
from training.symbolic.constants import fit_constants
from training.symbolic.deadline import Deadline
from training.symbolic.evidence.bits import number_bits, structure_bits
from training.symbolic.pool import shape_of
from training.symbolic.rivals.neighbours import neighbours
from training.symbolic.rivals.parting import parting
from training.symbolic.subset_least_squares import least_squares

MIN_GAP = 10.0
"""Bits by which a rival must be longer to be dismissed: odds of a thousand to one."""
SCREENED_ROWS = 300
"""Rows that neighbours are tried on first."""
MAX_RATIO = 1.5
"""Times the candidate's error on those, above which a neighbour is no rival."""
ROUGH_STEPS, MAX_ROUGH_RATIO = 4, 4.0
"""Gauss-Newton steps that tell a hopeless neighbour, and times the candidate's error that it is then off."""
FLOOR = 1e-12
"""Relative error that is rounding."""


@dataclass(frozen=True)
class Rival:
    """A formula that explains the rows as well as the best one.

    Args:
        candidate: of all columns.
        relative_rmse: on the rows.
        bits: by which its description is longer than the best one's; shorter, where negative.
        parts_at: values of columns, by place, at which it parts from the best one; the others are at their medians.
    """

    candidate: Candidate
    relative_rmse: float
    bits: float
    parts_at: Mapping[int, float]


@dataclass(frozen=True)
class RivalSearch:
    """A table, and the best candidate for it.

    Args:
        best: with fitted constants.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.
        deadline: checked before every step.
    """

    best: Candidate
    inputs: FloatArray
    target: FloatArray
    weights: FloatArray | None
    deadline: Deadline

    def rivals(self, others: Iterable[Candidate]) -> list[Rival]:
        """Rivals among other candidates with fitted constants, and among neighbours of the best; one of each shape.

        Raises:
            DeadlineError: the time is up.
        """
        found: dict[tuple[object, ...], Rival] = {}
        own = self.bits(self.best)
        for candidate in (*others, *self._fitted_neighbours()):
            shape = shape_of(candidate)
            if shape in found or self._holds_best(candidate):
                continue
            rival = self._rival(candidate, own)
            if rival is not None:
                found[shape] = rival
        return sorted(found.values(), key=lambda rival: rival.bits)

    def bits(self, candidate: Candidate) -> float:
        """The description length of the rows by a candidate, up to a constant of all candidates."""
        misfit = description_length(candidate.predict(self.inputs), self.target, 0, self.weights) / (2 * math.log(2))
        precision = max(self._error(candidate), FLOOR) / math.sqrt(len(self.target))
        numbers = all_constants(candidate)[fitted_places(candidate)].tolist()
        return misfit + structure_bits(candidate) + sum(number_bits(number, precision) for number in numbers)

    def _rival(self, candidate: Candidate, own: float) -> Rival | None:
        gap = self.bits(candidate) - own
        if not gap < MIN_GAP:
            return None
        place = parting(self.best, candidate, self.inputs, *self._noise())
        return None if place is None else Rival(candidate, self._error(candidate), gap, place)

    def _holds_best(self, candidate: Candidate) -> bool:
        """Whether it is the best one with further terms, if any: the shorter of two such is preferred."""
        (terms, powers, features), (own, own_powers, own_features) = shape_of(candidate), shape_of(self.best)
        same = (powers, features) == (own_powers, own_features)
        return same and set(own) <= set(terms)  # type: ignore[call-overload]

    def _noise(self) -> tuple[float, float]:
        """Standard deviations of the noise around the best candidate: of one size, and in proportion; one of them 0."""
        predicted = self.best.predict(self.inputs)
        weights = np.ones(len(self.target)) if self.weights is None else self.weights
        with np.errstate(all="ignore"):
            squared = weights * (predicted - self.target) ** 2
            same, share = math.sqrt(squared.mean()), math.sqrt((squared / predicted**2).mean())
            likelier = len(predicted) * math.log(same or 1e-300) - np.log(np.abs(predicted)).sum()
        if not math.isfinite(share) or likelier < len(predicted) * math.log(share or 1e-300):
            return same, 0.0
        return 0.0, share

    def _error(self, candidate: Candidate) -> float:
        return relative_rmse(candidate.predict(self.inputs), self.target, self.weights)

    def _fitted_neighbours(self) -> list[Candidate]:
        """Neighbours that do about as well on some of the rows, fitted to all."""
        rows = np.random.default_rng(0).permutation(len(self.target))[:SCREENED_ROWS]
        x, y = self.inputs[rows], self.target[rows]
        weights = None if self.weights is None else self.weights[rows]
        most = MAX_RATIO * relative_rmse(self.best.predict(x), y, weights) + FLOOR
        found = []
        for neighbour in neighbours(self.best, self.inputs):
            if not _rough_error(neighbour, x, y) <= MAX_ROUGH_RATIO * most:
                continue
            close = [
                fitted
                for fitted in fit_constants(neighbour, x, y, self.deadline, weights)
                if relative_rmse(fitted.predict(x), y, weights) <= most
            ]
            if close and len(rows) < len(self.target):
                close = fit_constants(close[0], self.inputs, self.target, self.deadline, self.weights)
            found += close
        return found


def _rough_error(candidate: Candidate, inputs: FloatArray, target: FloatArray) -> float:
    """The relative RMSE of a candidate after a few Gauss-Newton steps; not finite where those fail."""
    free, constants = fitted_places(candidate), all_constants(candidate)
    for _ in range(ROUGH_STEPS):
        answer, slope = linearised(with_constants(candidate, constants), inputs)
        A = slope[:, free]
        if not (np.isfinite(A).all() and np.isfinite(answer).all()):
            return math.inf
        scale = np.maximum(np.sqrt(np.mean(A**2, 0)), 1e-300)
        constants[free] += least_squares(A / scale, target - answer) / scale
    return relative_rmse(with_constants(candidate, constants).predict(inputs), target)
