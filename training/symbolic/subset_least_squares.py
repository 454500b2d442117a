"""Least squares over subsets of columns: one QR reduces the rows, then every subset is cheap."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg

from models.arrays import FloatArray

ROUNDING = 1e-13
"""Errors of this share of the goal count as rounding in float64."""


@dataclass(frozen=True)
class SubsetLeastSquares:
    """A least squares problem, reduced to a square one by QR.

    Args:
        triangle: R of the design with columns scaled to 1, ``(columns, columns)``.
        goal: the goal in the same basis, ``(columns,)``.
        rest: squared length of the goal outside the columns' span.
        floor: squared error that counts as rounding.
        scale: divisors of the columns, ``(columns,)``.
        rows: of the problem before the reduction.
    """

    triangle: FloatArray
    goal: FloatArray
    rest: float
    floor: float
    scale: FloatArray
    rows: int

    @classmethod
    def of(cls, design: FloatArray, goal: FloatArray) -> "SubsetLeastSquares":
        """Reduce a problem of a design ``(rows, columns)`` and a goal ``(rows,)``."""
        scale = np.linalg.norm(design, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        basis, triangle = np.linalg.qr(design / scale)
        reached = basis.T @ goal
        unreached = goal - basis @ reached
        return cls(triangle, reached, float(unreached @ unreached), ROUNDING**2 * float(goal @ goal), scale, len(goal))

    @property
    def columns(self) -> int:
        return len(self.scale)

    def solve(self, kept: Sequence[int], fixed: Mapping[int, float] | None = None) -> tuple[FloatArray, FloatArray]:
        """Coefficients of some columns beside others that are fixed, and their standard errors: ``(kept,)`` each."""
        if not len(kept):
            return np.zeros(0), np.zeros(0)
        part = self.triangle[:, kept]
        goal = self.goal - self._held(fixed)
        values = least_squares(part, goal)
        spread = inverse_lengths(part) * math.sqrt(self._length(goal - part @ values) / self.rows)
        return values / self.scale[kept], spread / self.scale[kept]

    def error(self, kept: Sequence[int], fixed: Mapping[int, float] | None = None) -> float:
        """Sum of squared errors of some columns beside others that are fixed, no less than rounding."""
        goal = self.goal - self._held(fixed)
        part = self.triangle[:, kept]
        return self._length(goal - part @ least_squares(part, goal) if len(kept) else goal)

    def allowed(self, kept: Sequence[int], numbers: int, fixed: Mapping[int, float] | None = None) -> float:
        """The error at which a solution with so many fewer numbers is still as good, see ``allowance``."""
        return self.error(kept, fixed) * allowance(numbers, self.rows)

    def _held(self, fixed: Mapping[int, float] | None) -> FloatArray:
        if not fixed:
            return np.zeros(len(self.goal))
        places = list(fixed)
        return np.asarray(self.triangle[:, places] @ (np.array(list(fixed.values())) * self.scale[places]))

    def _length(self, rest: FloatArray) -> float:
        return float(rest @ rest) + self.rest + self.floor


def allowance(numbers: int, rows: int) -> float:
    """How many times larger the squared error may be with so many fewer numbers: by the Bayesian criterion."""
    return math.exp(numbers * math.log(rows) / rows)


def least_squares(design: FloatArray, goal: FloatArray) -> FloatArray:
    """The coefficients of least squared error, the shortest where several are: ``(columns,)``."""
    return np.asarray(scipy.linalg.lstsq(design, goal, lapack_driver="gelsy", check_finite=False)[0])


def inverse_lengths(design: FloatArray) -> FloatArray:
    """Standard errors of coefficients for noise of 1, ``(columns,)``: roots of the diagonal of ``(A^T A)^-1``."""
    return np.asarray(np.linalg.norm(inverse_root(design), axis=1))


def inverse_root(design: FloatArray) -> FloatArray:
    """``R`` with ``R R^T = (A^T A)^-1``, the covariance of coefficients for noise of 1; it has ``columns`` rows."""
    triangle = np.asarray(np.linalg.qr(design, mode="r"))
    diagonal = np.abs(np.diag(triangle))
    if triangle.shape[0] < triangle.shape[1] or diagonal.min() <= 1e-13 * diagonal.max():
        return np.asarray(np.linalg.pinv(design))
    return np.asarray(scipy.linalg.solve_triangular(triangle, np.eye(len(diagonal))))
