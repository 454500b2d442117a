"""The constants of a law, fitted once more to find how well the rows determine them.

Seber and Wild 1989, "Nonlinear Regression", chapters 2 and 5.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from models.arrays import FloatArray, IntArray
from training.symbolic.all_constants import all_constants, linearised, with_constants
from training.symbolic.candidate import Candidate
from training.symbolic.subset_least_squares import least_squares

MIN_SIZE = 1e-3
"""Share of the law's median size below which noise in proportion to it does not get smaller."""
DEPENDENT = 1e-9
"""Share of a constant's derivatives that those of others do not explain, below which they can replace it."""
STEPS, HALVINGS, CONVERGED = 20, 8, 1e-10
"""Gauss-Newton steps at most, halvings of each, and the share of the error whose gain is the last."""


@dataclass(frozen=True)
class Rows:
    """Rows that a law is fitted to.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``, over its root mean square.
        weights: ``(rows,)``, their mean 1.
        scale: the target's root mean square; in its unit, squares of 1e200 do not overflow.
    """

    inputs: FloatArray
    target: FloatArray
    weights: FloatArray
    scale: float

    def predicted(self, candidate: Candidate) -> FloatArray:
        """The law over the scale, ``(rows,)``."""
        return candidate.predict(self.inputs) / self.scale


@dataclass(frozen=True)
class NoiseFit:
    """A fit of a law's constants, with rows weighted by the sizes that the noise has in each.

    Args:
        constants: all of them, ``(constants,)``.
        free: places of those that no others can take the place of.
        directions: independent ways in which the constants are uncertain, each one standard deviation long,
            ``(constants, free)``: their outer products sum up to the covariance.
        predicted: over the scale, ``(rows,)``.
        residuals: over the scale, ``(rows,)``.
        leverage: ``(rows,)``.
        deviation: of the noise, in units of its sizes.
        floor: the law's least size, over the scale.
        likelihood: its logarithm, but for what fits of other sizes have in common.
    """

    constants: FloatArray
    free: IntArray
    directions: FloatArray
    predicted: FloatArray
    residuals: FloatArray
    leverage: FloatArray
    deviation: float
    floor: float
    likelihood: float

    @property
    def degrees_of_freedom(self) -> int:
        return len(self.residuals) - len(self.free)

    @property
    def standard_errors(self) -> FloatArray:
        """Of all constants, 0 for those that others take the place of, ``(constants,)``."""
        largest = np.maximum(np.abs(self.directions).max(1, initial=0.0), 1e-300)
        return np.asarray(largest * np.sqrt(((self.directions / largest[:, None]) ** 2).sum(1)))


def fit_noise(candidate: Candidate, rows: Rows) -> tuple[NoiseFit, NoiseFit] | None:
    """The fits for noise in proportion to the law, and for noise of one size.

    Returns:
        None where a number is not finite, or there are no more rows than constants.
    """
    size = np.abs(rows.predicted(candidate))
    floor = MIN_SIZE * float(np.median(size))
    proportional = np.maximum(size, floor)
    if not (np.isfinite(proportional).all() and proportional.all()):
        return None
    fits = [_fit(candidate, rows, sizes, floor) for sizes in (proportional, np.ones(len(size)))]
    return None if fits[0] is None or fits[1] is None else (fits[0], fits[1])


def _fit(candidate: Candidate, rows: Rows, sizes: FloatArray, floor: float) -> NoiseFit | None:
    root, constants = np.sqrt(rows.weights) / sizes, all_constants(candidate)
    predicted, A = _weighted(candidate, constants, rows, root)
    if not np.isfinite(A).all():
        return None
    free = independent(A, constants)
    for _ in range(STEPS):
        widths = np.abs(A[:, free]).max(0)
        step = np.zeros(len(constants))
        step[free] = least_squares(A[:, free] / widths, (rows.target - predicted) * root) / widths
        moved, gained = _moved(candidate, constants, step, rows, root)
        if not gained:
            break
        constants = moved
        predicted, A = _weighted(candidate, constants, rows, root)
        if not np.isfinite(A).all():
            return None
        if gained < CONVERGED:
            break
    rest, degrees_of_freedom = (rows.target - predicted) * root, len(sizes) - len(free)
    if degrees_of_freedom < 1:
        return None
    widths = np.abs(A[:, free]).max(0)
    Q, R = np.linalg.qr(A[:, free] / widths)
    deviation = math.sqrt(float(rest @ rest) / degrees_of_freedom)
    directions = np.zeros((len(constants), len(free)))
    directions[free] = deviation * scipy.linalg.solve_triangular(R, np.eye(len(free))) / widths[:, None]
    return NoiseFit(
        constants,
        free,
        directions,
        predicted,
        rows.target - predicted,
        np.minimum((Q**2).sum(1), 1 - 1e-9),
        deviation,
        floor,
        _likelihood(rest, sizes, rows.weights),
    )


def _weighted(
    candidate: Candidate, constants: FloatArray, rows: Rows, root: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Predictions over the scale, and their derivatives by all constants, weighted."""
    predicted, slopes = linearised(with_constants(candidate, constants), rows.inputs)
    return predicted / rows.scale, slopes / rows.scale * root[:, None]


def _moved(
    candidate: Candidate, constants: FloatArray, step: FloatArray, rows: Rows, root: FloatArray
) -> tuple[FloatArray, float]:
    """The constants after a step, halved until the error shrinks, and the share that it shrinks by, or 0."""

    def error(values: FloatArray) -> float:
        return float(np.mean(((rows.target - rows.predicted(with_constants(candidate, values))) * root) ** 2))

    before = error(constants)
    for halvings in range(HALVINGS):
        trial = constants + step / 2**halvings
        after = error(trial)
        if after < before:
            return trial, 1 - after / before
    return constants, 0.0


def _likelihood(rest: FloatArray, sizes: FloatArray, weights: FloatArray) -> float:
    mean = max(float(np.mean(rest**2)), 1e-300)
    return -len(rest) / 2 * math.log(mean) - float((weights * np.log(sizes)).sum())


def independent(A: FloatArray, constants: FloatArray) -> IntArray:
    """Places of constants that no others can replace, as those of a common scale can; 1 and -1 are replaced first.

    Args:
        A: derivatives by all constants, ``(rows, constants)``.
        constants: ``(constants,)``.
    """
    order = np.argsort(np.abs(constants) == 1, kind="stable")
    lengths = np.abs(A).max(0)
    order = order[lengths[order] > 0]
    columns = A[:, order] / lengths[order]
    columns = columns / np.linalg.norm(columns, axis=0)
    kept: list[int] = []
    basis = np.zeros((len(A), 0))
    for place, column in enumerate(columns.T):
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)  # twice is enough (Parlett 1980)
        length = float(np.linalg.norm(rest))
        if length > DEPENDENT:
            kept.append(place)
            basis = np.column_stack([basis, rest / length])
    return np.sort(order[kept])
