"""Fits parameters inside functions for many candidates at once, by variable projection.

A goal is a sum of known columns, the base, and of one feature that depends on a few parameters in a non-linear way. The
constants of both are eliminated in closed form (Golub and Pereyra 1973, "The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate"); Levenberg-Marquardt steps improve the parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.arrays import BoolArray, FloatArray

STEPS = 30
DIFFERENCE = 1e-6
"""Relative step of the derivatives by differences."""
LEAST = 1e-30


@dataclass(frozen=True)
class Refined:
    """The result of ``refine``.

    Args:
        parameters: ``(candidates, parameters)``.
        factors: of the feature, ``(candidates,)``.
        errors: what is left of the goal's squared length, as a share, ``(candidates,)``; infinite where not finite.
    """

    parameters: FloatArray
    factors: FloatArray
    errors: FloatArray


def refine(
    feature: Callable[[FloatArray], FloatArray],
    start: FloatArray,
    basis: FloatArray,
    goal: FloatArray,
    steps: int = STEPS,
) -> Refined:
    """Improve the parameters of every candidate.

    Args:
        feature: values for parameters ``(candidates, parameters)``: ``(candidates, rows)``.
        start: parameters to start from, ``(candidates, parameters)``.
        basis: orthonormal columns that may be added, ``(rows, columns)`` or ``(candidates, rows, columns)``.
        goal: ``(rows,)`` or ``(candidates, rows)``, orthogonal to the basis.
        steps: at most.
    """
    problem = _Problem(feature, basis, np.broadcast_to(goal, (len(start), goal.shape[-1])))
    parameters = start.copy()
    values, factors, errors = problem.solved(parameters)
    damping = np.full(len(start), 1e-2)
    for _ in range(steps):
        step = problem.step(parameters, values, factors, damping)
        trial = parameters + step
        trial_values, trial_factors, trial_errors = problem.solved(trial)
        better: BoolArray = np.less(trial_errors, errors)
        gained = np.zeros(len(start))
        gained[better] = 1 - trial_errors[better] / np.maximum(errors[better], LEAST)
        parameters[better], values[better] = trial[better], trial_values[better]
        factors[better], errors[better] = trial_factors[better], trial_errors[better]
        damping = np.clip(np.where(better, damping / 8, damping * 5), 1e-12, 1e6)
        if not (better & (gained > 1e-3)).any() and (damping[~better] > 1e3).all():
            break
    return Refined(parameters, factors, errors)


@dataclass(frozen=True)
class _Problem:
    feature: Callable[[FloatArray], FloatArray]
    basis: FloatArray
    goal: FloatArray

    def projected(self, values: FloatArray) -> FloatArray:
        """What the basis leaves of features ``(candidates, rows)``."""
        if self.basis.ndim == 2:
            return np.asarray(values - (values @ self.basis) @ self.basis.T)
        inner = np.einsum("brk,br->bk", self.basis, values)
        return np.asarray(values - np.einsum("brk,bk->br", self.basis, inner))

    def solved(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Projected features, their factors, and the share of the goal that is left."""
        with np.errstate(all="ignore"):
            raw = self.feature(parameters)
            sound = np.asarray(np.isfinite(raw).all(1))
            values = self.projected(np.where(sound[:, None], raw, 0.0))
            size = (values**2).sum(1)
            factors = (values * self.goal).sum(1) / np.maximum(size, LEAST)
            total = np.maximum((self.goal**2).sum(1), LEAST)
            errors = ((self.goal - factors[:, None] * values) ** 2).sum(1) / total
            collinear = size < 1e-10 * (raw**2).sum(1)
        return values, factors, np.where(sound & ~collinear & np.isfinite(errors), errors, np.inf)

    def step(self, parameters: FloatArray, values: FloatArray, factors: FloatArray, damping: FloatArray) -> FloatArray:
        """A damped Gauss-Newton step of the parameters, the factor eliminated."""
        slopes = np.stack([self.slope(parameters, i) for i in range(parameters.shape[1])], 2)
        size = np.maximum((values**2).sum(1), LEAST)
        slopes = slopes - values[:, :, None] * (np.einsum("br,brk->bk", values, slopes) / size[:, None])[:, None, :]
        slopes = np.nan_to_num(slopes * factors[:, None, None], nan=0.0, posinf=0.0, neginf=0.0)
        rest = self.goal - factors[:, None] * values
        gram = slopes.transpose(0, 2, 1) @ slopes
        right = np.einsum("brk,br->bk", slopes, rest)
        diagonal = np.einsum("bkk->bk", gram)
        scale = np.sqrt(np.maximum(diagonal, 1e-200))
        eye = np.eye(parameters.shape[1])
        scaled = gram / scale[:, :, None] / scale[:, None, :] * (1 - eye) + eye * (1 + damping[:, None, None])
        return np.asarray(np.linalg.solve(scaled, (right / scale)[:, :, None])[:, :, 0] / scale)

    def slope(self, parameters: FloatArray, place: int) -> FloatArray:
        """The derivative of the projected feature by one parameter, ``(candidates, rows)``."""
        change = DIFFERENCE * np.maximum(np.abs(parameters[:, place]), 1e-3)
        above, below = parameters.copy(), parameters.copy()
        above[:, place] += change
        below[:, place] -= change
        with np.errstate(all="ignore"):
            difference = (self.feature(above) - self.feature(below)) / (2 * change)[:, None]
        return self.projected(np.nan_to_num(difference, nan=0.0, posinf=0.0, neginf=0.0))
