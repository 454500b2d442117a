"""The constants of a candidate: fitted, pruned, and snapped to simple numbers where the data allow it.

Gauss-Newton steps fit them. Sums of a quotient or product have one scale in common, so one constant in each sum but
the first is fixed at 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray
from training.symbolic.all_constants import all_constants, fitted_places, linearised, with_constants, without_terms
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.phases import with_other_phases
from training.symbolic.shared_scale import normalised, scalings
from training.symbolic.snap import simplest_constant
from training.symbolic.subset_least_squares import ROUNDING, allowance, inverse_root, least_squares

STEPS, INNER_STEPS = 12, 40
"""Gauss-Newton steps at most, without and with features, whose constants are no linear ones."""
MAX_HALVINGS = 6
"""Of a step in the constants of features."""
MAX_STANDARD_ERRORS = 3.0
"""Standard errors that a simple number may lie off the fitted one."""
TOLERANCE_SHARES = (1.0, 1 / 3, 1 / 10)
"""Shares of that, tried one after the other: the widest gives the simplest numbers."""
WEAKEST_TERMS = 4
"""Terms whose removal is tried one by one, the weakest first."""


def fit_constants(
    candidate: Candidate,
    inputs: FloatArray,
    target: FloatArray,
    deadline: Deadline = NO_DEADLINE,
    weights: FloatArray | None = None,
) -> list[Candidate]:
    """The candidate with its constants fitted, pruned and snapped, for errors in proportion and for those of one size.

    Args:
        candidate: with constants to start from.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        deadline: checked before every step.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.
    """
    root = np.ones(len(target)) if weights is None else np.sqrt(weights)
    same = _ConstantFit.start(candidate, inputs, target, root, deadline)
    proportional = _ConstantFit.start(candidate, inputs, target, root * _by_size(target), deadline)
    if proportional is not None:  # again by the size of the fit: that of a noisy target would bias it
        answer = proportional.candidate.predict(inputs)
        by_size = root * _by_size(np.where(np.isfinite(answer), answer, target))
        proportional = _ConstantFit.start(proportional.candidate, inputs, target, by_size, deadline) or proportional
    return [fit.pruned().simplest() for fit in (proportional, same) if fit is not None]


def _by_size(values: FloatArray) -> FloatArray:
    size = np.abs(values)
    return np.asarray(1 / np.maximum(size, 1e-3 * np.median(size) + 1e-300))


@dataclass(frozen=True)
class _ConstantFit:
    """A candidate on the rows where its terms are finite, ``terms`` ``(rows, terms)``, and the error it has there.

    Constants are those of the features too, in the order of ``all_constants``.
    """

    candidate: Candidate
    inputs: FloatArray
    terms: FloatArray
    target: FloatArray
    weights: FloatArray
    error: float
    deadline: Deadline

    @classmethod
    def start(
        cls, candidate: Candidate, inputs: FloatArray, target: FloatArray, weights: FloatArray, deadline: Deadline
    ) -> "_ConstantFit | None":
        terms = candidate.terms(inputs)
        sound = np.isfinite(terms).all(1)
        if sound.sum() <= len(candidate.constants):
            return None
        if not sound.all():
            inputs, terms, target, weights = inputs[sound], terms[sound], target[sound], weights[sound]
        return cls(candidate, inputs, terms, target, weights, np.inf, deadline).fitted()

    @property
    def constants(self) -> FloatArray:
        return all_constants(self.candidate)

    def fitted(self) -> "_ConstantFit | None":
        """Gauss-Newton; None where the numbers are not finite."""
        constants = normalised(self.candidate)
        free = fitted_places(self.candidate)
        best, least = constants, self.error_of(constants)
        for _ in range(INNER_STEPS if self.candidate.features else STEPS):
            self.deadline.check()
            answer, slope = self.linearised(constants)
            A, b = slope[:, free] * self.weights[:, None], (self.target - answer) * self.weights
            if not (np.isfinite(A).all() and np.isfinite(b).all()):
                break
            scale = np.maximum(np.sqrt(np.mean(A**2, 0)), 1e-300)
            step = np.zeros(len(constants))
            step[free] = least_squares(A / scale, b) / scale
            constants, error = self._stepped(constants, step, least)
            if not error <= 4 * least:
                break
            gained = least - error
            if gained > 0:
                best, least = constants, error
            if gained < 1e-3 * least:
                break
        if not np.isfinite(least):
            return None
        return replace(self._with(best), error=least)

    def _stepped(self, constants: FloatArray, step: FloatArray, least: float) -> tuple[FloatArray, float]:
        """The constants after a step, and their error; a step in those of features is halved until it gains."""
        for halvings in range(MAX_HALVINGS if self.candidate.features else 1):
            trial = constants + step / 2**halvings
            error = self.error_of(trial)
            if error <= least:
                break
        return trial, error

    def _with(self, constants: FloatArray) -> "_ConstantFit":
        """The same fit with other constants."""
        candidate = with_constants(self.candidate, constants)
        return replace(
            self, candidate=candidate, terms=candidate.terms(self.inputs) if candidate.features else self.terms
        )

    def error_of(self, constants: FloatArray) -> float:
        """Weighted mean squared error, no less than what rounding leaves."""
        with np.errstate(all="ignore"):
            rest = (self.target - self.predicted(constants)) * self.weights
            return float(np.mean(rest**2) + ROUNDING**2 * np.mean((self.target * self.weights) ** 2))

    def predicted(self, constants: FloatArray) -> FloatArray:
        """Predictions with other constants, ``(rows,)``."""
        if self.candidate.features:
            return with_constants(self.candidate, constants).predict(self.inputs)
        return self.candidate.product(self.sums(constants))

    def sums(self, constants: FloatArray) -> FloatArray:
        return self.candidate.summed(self.terms * constants)

    def linearised(self, constants: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predictions ``(rows,)``, and their derivatives by every constant, ``(rows, constants)``."""
        if self.candidate.features:
            return linearised(with_constants(self.candidate, constants), self.inputs)
        with np.errstate(all="ignore"):
            answer = self.predicted(constants)
            sum_index, sum_exponents = self.candidate.sum_index, self.candidate.sum_exponents
            return answer, answer[:, None] * sum_exponents[sum_index] / self.sums(constants)[:, sum_index] * self.terms

    def allowed(self, numbers: int) -> float:
        """The error at which a candidate shorter by so many numbers is still as good."""
        return self.error * allowance(numbers, len(self.target))

    def pruned(self) -> "_ConstantFit":
        """Drop terms as long as a shorter candidate fits as well: all weak ones at once, or one."""
        best = self
        while True:
            strength = np.abs(best.constants) / np.maximum(best.spread(), 1e-300)
            weak = np.flatnonzero(strength < 1).tolist()
            groups = [weak] if len(weak) > 1 else []
            groups += [[place] for place in np.argsort(strength)[:WEAKEST_TERMS].tolist()]
            trials = (best.without(places) for places in groups)
            shorter = next((trial for trial in trials if trial is not None), None)
            if shorter is None:
                return best
            best = shorter

    def without(self, places: Sequence[int]) -> "_ConstantFit | None":
        """The fit without some terms; None if a sum is left empty, or it is significantly worse."""
        shorter = without_terms(self.candidate, places)
        if shorter is None:
            return None
        keep = np.setdiff1d(np.arange(len(self.candidate.constants)), places)
        terms = shorter.terms(self.inputs) if self.candidate.features else self.terms[:, keep]
        trial = replace(self, candidate=shorter, terms=terms).fitted()
        return trial if trial is not None and trial.error <= self.allowed(len(places)) else None

    def spread(self) -> FloatArray:
        """Standard errors of the constants, 0 for those that are fixed, ``(constants,)``."""
        return np.asarray(np.linalg.norm(self.deviations(), axis=1))

    def deviations(self) -> FloatArray:
        """``(constants, deviations)``: independent deviations of the constants, which add up to their covariance."""
        free = fitted_places(self.candidate)
        A = self.linearised(self.constants)[1][:, free] * self.weights[:, None]
        if not np.isfinite(A).all():
            return np.zeros((len(self.constants), 1))
        scale = np.maximum(np.sqrt(np.mean(A**2, 0)), 1e-300)
        root = inverse_root(A / scale) * np.sqrt(self.error) / scale[:, None]
        deviations = np.zeros((len(self.constants), root.shape[1]))
        deviations[free] = root
        return deviations

    def simplest(self) -> Candidate:
        """The candidate with simple constants, of its waves' phases the simplest."""
        others = with_other_phases(self.candidate)
        fits = [self, *(replace(self, candidate=other, terms=other.terms(self.inputs)) for other in others)]
        return min((fit.snapped() for fit in fits), key=lambda way: _digits(all_constants(way)))

    def snapped(self) -> Candidate:
        """The candidate with simple constants where they fit as well; of its scales the simplest."""
        relative = self.deviations() / np.maximum(np.abs(self.constants), 1e-300)[:, None]
        trials = []
        for scaling in scalings(self.candidate):
            spread = MAX_STANDARD_ERRORS * np.linalg.norm(scaling.powers @ relative, axis=1)
            tolerances = np.maximum(spread, ROUNDING) * np.abs(scaling.constants)
            trials.append(self.snapped_to(scaling.constants, tolerances))
        return with_constants(self.candidate, min(trials, key=_digits))

    def snapped_to(self, constants: FloatArray, tolerances: FloatArray) -> FloatArray:
        """Constants snapped to simple numbers: all at once, or else each that can be, the largest first."""
        trials = [
            np.array([simplest_constant(*pair) for pair in zip(constants, share * tolerances, strict=True)])
            for share in TOLERANCE_SHARES
        ]
        for together in trials:
            if together.all() and self.error_of(together) <= self.allowed(int(np.sum(together != constants))):
                return together
        snapped = constants
        for place in np.argsort(-np.abs(constants)):
            for together in trials:
                trial = snapped.copy()
                trial[place] = together[place]
                if together[place] and self.error_of(trial) <= self.allowed(1):
                    snapped = trial
                    break
        return snapped


def _digits(constants: FloatArray) -> int:
    return sum(len(f"{abs(value):.12g}") for value in constants)
