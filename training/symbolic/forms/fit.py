"""Fits the free constants of a form: linear ones in closed form, the others from many starts by Levenberg-Marquardt.

Variable projection (Golub and Pereyra 1973, with Kaufman's Jacobian 1975): for every choice of the other constants the
linear ones follow by least squares, so only the others are searched for.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.optimize

from models.arrays import FloatArray, IntArray
from training.symbolic.deadline import NO_DEADLINE, Deadline, DeadlineError
from training.symbolic.forms.linear_constants import linear_constants, typical_sizes
from training.symbolic.forms.nodes import Node, evaluate
from training.symbolic.subset_least_squares import ROUNDING, least_squares

STARTS, MAX_STARTS, REFINED = 300, 1_200, 12
"""Starts drawn for each constant that is not linear, of all together at most, and how many of them are refined."""
SCREENED_ROWS, REFINED_ROWS = 200, 2_000
"""Rows, at most, on which starts are compared, and on which they are refined."""
DECADES = 2.0
"""Orders of magnitude by which starts differ from the typical size of a constant, either way."""
SOLVED = 1e-10
"""Share of the target's size that is left where no further start can be better."""
LIMITS = {"max_nfev": 200, "xtol": 1e-15, "ftol": 1e-15}
"""Of the steps from one start."""
SAME_ERROR = 1.01


@dataclass(frozen=True)
class FormFit:
    """Constants of a form, fitted to some rows.

    Args:
        constants: ``(constants,)``.
        error: weighted mean squared error, no less than what rounding leaves.
        slopes: derivatives of the weighted values by every constant, ``(rows, constants)``.
    """

    constants: FloatArray
    error: float
    slopes: FloatArray


@dataclass(frozen=True)
class FormProblem:
    """A form and the weighted rows that it is fitted to.

    Args:
        root: the form.
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        weights: roots of the weights of rows, ``(rows,)``.
        count: of constants.
        deadline: checked before every step.
    """

    root: Node
    inputs: FloatArray
    target: FloatArray
    weights: FloatArray
    count: int
    deadline: Deadline = NO_DEADLINE

    def at(self, constants: FloatArray) -> FormFit | None:
        """The fit with these constants; None where a value is not finite."""
        with np.errstate(all="ignore"):
            values, slopes = evaluate(self.root, self.inputs, constants)
            rest = (values - self.target) * self.weights
            error = float(np.mean(rest**2) + ROUNDING**2 * np.mean((self.target * self.weights) ** 2))
            slopes = slopes * self.weights[:, None]
        return FormFit(constants, error, slopes) if np.isfinite(error) and np.isfinite(slopes).all() else None

    def residuals(self, constants: FloatArray) -> FloatArray:
        """Weighted errors, ``(rows,)``."""
        return np.asarray((evaluate(self.root, self.inputs, constants)[0] - self.target) * self.weights)

    def of_rows(self, most: int, random: np.random.Generator) -> "FormProblem":
        """The problem on some of the rows, drawn at random."""
        rows = random.permutation(len(self.target))[:most]
        return FormProblem(
            self.root, self.inputs[rows], self.target[rows], self.weights[rows], self.count, self.deadline
        )

    def fitted(self, random: np.random.Generator) -> FormFit | None:
        """The best fit from many starts; None where no start gives finite values.

        Raises:
            DeadlineError: the time is up before one start is fitted.
        """
        linear = linear_constants(self.root, self.count)
        other = np.setdiff1d(np.arange(self.count), linear)
        fits: list[FormFit] = []
        try:
            for start in self._starts(linear, other, random):
                fit = self.refined(start, linear, other)
                fits += [] if fit is None else [fit]
                if fit is not None and fit.error <= SOLVED**2 * np.mean((self.target * self.weights) ** 2):
                    break
        except DeadlineError:
            if not fits:
                raise
        best = min(fits, key=lambda fit: fit.error, default=None)
        return None if best is None else self._with_plus_signs(best, linear, other)

    def _with_plus_signs(self, fit: FormFit, linear: IntArray, other: IntArray) -> FormFit:
        """As good a fit whose constants are positive where they can be, as with the frequency of a wave."""
        for place in other[fit.constants[other] < 0]:
            flipped = fit.constants.copy()
            flipped[place] *= -1
            trial = self.refined(flipped, linear, other)
            if trial is not None and trial.constants[place] > 0 and trial.error <= SAME_ERROR * fit.error:
                fit = trial
        return fit

    def _starts(self, linear: IntArray, other: IntArray, random: np.random.Generator) -> Iterator[FloatArray]:
        """Constants to start from, the most promising of many first."""
        if not len(other):
            yield np.ones(self.count)
            return
        screened, middle = self.of_rows(SCREENED_ROWS, random), self.of_rows(REFINED_ROWS, random)
        found = []
        for draw in _draws(typical_sizes(self.root, self.inputs, self.count), other, random):
            self.deadline.check()
            solved = screened.projected(draw, linear)
            if solved is not None:
                found.append((solved.error, solved.constants))
        found.sort(key=lambda pair: pair[0])
        refined = (middle.refined(constants, linear, other) for _, constants in found[:REFINED])
        for fit in sorted((fit for fit in refined if fit is not None), key=lambda fit: fit.error)[:2]:
            yield fit.constants

    def projected(self, constants: FloatArray, linear: IntArray) -> FormFit | None:
        """The fit with these constants but the linear ones, which follow by least squares."""
        trial = constants.copy()
        trial[linear] = 0.0
        start = self.at(trial)
        if start is None or not len(linear):
            return start
        left = -self.residuals(trial)
        design = start.slopes[:, linear]
        size = np.abs(design).max(0)
        size = np.where(size > 0, size, 1.0)
        trial[linear] = least_squares(design / size, left) / size
        return self.at(trial)

    def refined(self, constants: FloatArray, linear: IntArray, other: IntArray) -> FormFit | None:
        """Levenberg-Marquardt steps over the constants that are not linear; None where it starts at no finite value."""
        start = self.projected(constants, linear)
        if start is None or not len(other) or len(self.target) < self.count:
            return start
        best = start
        size = np.where(start.constants[other] == 0, 1.0, np.abs(start.constants[other]))

        def solved(values: FloatArray) -> FormFit | None:
            trial = best.constants.copy()
            trial[other] = values * size
            return self.projected(trial, linear)

        def residuals(values: FloatArray) -> FloatArray:
            nonlocal best
            self.deadline.check()
            fit = solved(values)
            if fit is None:
                return np.full(len(self.target), 1e150)
            if fit.error < best.error:
                best = fit
            return self.residuals(fit.constants)

        def jacobian(values: FloatArray) -> FloatArray:
            fit = solved(values) or best
            slopes = fit.slopes[:, other] * size
            if not len(linear):
                return slopes
            basis = np.linalg.qr(fit.slopes[:, linear])[0]
            return np.asarray(slopes - basis @ (basis.T @ slopes))

        scipy.optimize.least_squares(residuals, start.constants[other] / size, jacobian, method="lm", **LIMITS)
        return best


def _draws(sizes: FloatArray, other: IntArray, random: np.random.Generator) -> Iterator[FloatArray]:
    """Start values: first of the typical sizes with every sign, then of sizes around them."""
    count = min(STARTS * len(other), MAX_STARTS)
    yield sizes
    for _ in range(count):
        draw = sizes.copy()
        signs = np.where(random.random(len(other)) < 0.5, -1.0, 1.0)
        draw[other] *= signs * 10 ** random.uniform(-DECADES, DECADES, len(other))
        yield draw
