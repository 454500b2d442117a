"""Products and quotients of two sums of columns, fitted by second-order steps.

``y = (A x + a)(B x + b)`` has no closed form; Levenberg-Marquardt steps (Marquardt 1963) from the least squares fit of
``sqrt|y|``, and from random starts, find it. ``y (B x + b) = A x + a`` is homogeneous and linear: the right singular
vector of the least singular value holds the constants.
"""

from collections.abc import Iterator

import numpy as np
import scipy.optimize

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.subset_least_squares import least_squares

STARTS = 4
EVALUATIONS = 60
TOLERANCES = {"ftol": 1e-9, "xtol": 1e-15, "gtol": 1e-15}
"""Of one start: it ends where the error falls by less than ``ftol`` of itself."""
MAX_ROWS = 2_048
ZERO_SHARE = 1e-6
"""Constants below this share of the largest count as zeros with rounding."""


def two_factor_candidates(
    inputs: FloatArray, target: FloatArray, random: np.random.Generator, deadline: Deadline = NO_DEADLINE
) -> Iterator[tuple[list[Candidate], bool]]:
    """Candidates of two sums, with constants still to be snapped, and whether they are the last; the quotient first.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        random: for start values.
        deadline: checked before every step.
    """
    rows = random.permutation(len(target))[:MAX_ROWS]
    x, y = inputs[rows], target[rows]
    scale = np.sqrt(np.mean(x**2, 0))
    scale = np.where(scale > 0, scale, 1.0)
    design = np.concatenate([x / scale, np.ones((len(x), 1))], 1)
    if len(y) < 2 * design.shape[1] + 2:
        return
    known = y != 0
    varied = np.append(np.ptp(x[known], axis=0) > 0, True) if known.any() else np.zeros(design.shape[1], bool)
    quotient = np.zeros((2, design.shape[1]))
    if varied.any():
        quotient[:, varied] = _quotient(design[known][:, varied], y[known], deadline)
    yield _candidates(quotient, -1.0, scale, inputs), False
    for tried, start in enumerate(_starts(design, y, random), start=1):
        yield _candidates(_product(design, y, start, deadline), 1.0, scale, inputs), tried == STARTS


def _quotient(design: FloatArray, target: FloatArray, deadline: Deadline) -> FloatArray:
    """The constants of numerator and denominator, ``(2, columns)``."""
    weights = np.ones(len(target))
    for _ in range(3):  # Sanathanan and Koerner 1963: the error of y, not that of the equation
        deadline.check()
        equation = np.concatenate([design / target[:, None], -design], 1) * weights[:, None]
        size = np.sqrt(np.mean(equation**2, 0))
        size = np.where(size > 0, size, 1.0)
        constants = (np.linalg.svd(equation / size, full_matrices=False)[2][-1] / size).reshape(2, -1)
        below = np.abs(design @ constants[1])
        if not np.median(below) > 0:  # columns that depend on one another
            break
        weights = 1 / np.maximum(below, 1e-2 * np.median(below))
    return np.asarray(constants)


def _starts(design: FloatArray, target: FloatArray, random: np.random.Generator) -> Iterator[FloatArray]:
    root = least_squares(design, np.sqrt(np.abs(target)))
    for tried in range(STARTS):
        noise = random.normal(size=(2, design.shape[1]))
        size = np.sqrt(np.mean(np.abs(target))) / np.sqrt(design.shape[1])
        yield root + 0.1 * size * noise if tried % 2 == 0 else size * noise


def _product(design: FloatArray, target: FloatArray, start: FloatArray, deadline: Deadline) -> FloatArray:
    """Levenberg-Marquardt on the relative error of the product; the constants of both sums, ``(2, columns)``."""
    weights = 1 / np.maximum(np.abs(target), 0.1 * np.median(np.abs(target)) + 1e-300)

    def residuals(constants: FloatArray) -> FloatArray:
        deadline.check()
        sums = design @ constants.reshape(2, -1).T
        return np.asarray((sums[:, 0] * sums[:, 1] - target) * weights)

    def jacobian(constants: FloatArray) -> FloatArray:
        sums = design @ constants.reshape(2, -1).T * weights[:, None]
        return np.concatenate([design * sums[:, 1:], design * sums[:, :1]], 1)

    if not np.isfinite(np.sum(residuals(start.ravel()) ** 2)):  # a target that is mostly 0 has weights without bound
        return start
    fitted = scipy.optimize.least_squares(
        residuals, start.ravel(), jacobian, method="lm", x_scale="jac", max_nfev=EVALUATIONS, **TOLERANCES
    )
    return np.asarray(fitted.x.reshape(2, -1))


def _candidates(constants: FloatArray, exponent: float, scale: FloatArray, inputs: FloatArray) -> list[Candidate]:
    """The candidate of these constants, once with all of them and once without those that look like zeros."""
    exponents = np.concatenate([np.eye(inputs.shape[1]), np.zeros((1, inputs.shape[1]))])
    found = []
    for threshold in (ZERO_SHARE, 1e-2):
        kept = np.abs(constants) > threshold * np.abs(constants).max(1, keepdims=True)
        if not kept.any(1).all():
            continue
        sum_index, place = np.nonzero(kept)
        values = constants[kept] / np.append(scale, 1.0)[place]
        found.append(
            Candidate(
                exponents[place], signs_of(exponents[place], inputs), values, sum_index, np.array([1.0, exponent])
            )
        )
    return found
