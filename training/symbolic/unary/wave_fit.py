"""Fits waves to the target itself: in its logarithm every zero is a pole, and the right zeros are hard to reach."""

from dataclasses import dataclass

import numpy as np
import scipy.optimize

from models.arrays import FloatArray
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.unary.shapes import Shape
from training.symbolic.unary.table import LogTable

STEP = 1e-6
"""Of the derivatives by differences, relative."""
MAX_STEPS = 40
FAR = 1e6
"""What counts for a number that is not finite."""


@np.errstate(all="ignore")
def fitted_wave(
    table: LogTable,
    shape: Shape,
    inner: FloatArray,
    start: FloatArray,
    power: float,
    deadline: Deadline = NO_DEADLINE,
) -> FloatArray:
    """Parameters of a shape whose power times a product of the base fits the magnitudes of the target best.

    Args:
        table: the rows, and the columns of which the base's logarithm is a sum.
        shape: the wave.
        inner: its inner terms, ``(terms, rows)``.
        start: its parameters, near the right ones, ``(shape.size,)``.
        power: of the wave; the nearest whole one, but 0, is taken.
        deadline: checked before every step.
    """
    whole = (-1 if power < 0 else 1) * max(abs(round(power)), 1)
    logs = whole * shape.logs(inner[None], start[None])[0]
    if not np.isfinite(logs).all():
        return start
    problem = _Waves(table, shape, inner, whole, table.constants(logs), deadline)
    everything = np.append(problem.constants, start)
    fit = scipy.optimize.least_squares(problem.rest, everything, problem.slopes, x_scale="jac", max_nfev=MAX_STEPS)
    return np.asarray(fit.x[len(problem.constants) :])


@dataclass(frozen=True)
class _Waves:
    """Powers of waves times a base, over the size that the base has with the constants of the start."""

    table: LogTable
    shape: Shape
    inner: FloatArray
    power: int
    constants: FloatArray
    deadline: Deadline

    def base(self, p: FloatArray) -> FloatArray:
        return np.asarray(np.exp(self.table.columns @ (p[: len(self.constants)] - self.constants)))

    def wave(self, p: FloatArray) -> FloatArray:
        values = self.shape.values(self.inner[None], p[None, len(self.constants) :])
        return np.asarray(np.abs(values[0]) ** self.power)

    def rest(self, p: FloatArray) -> FloatArray:
        self.deadline.check()
        goal = np.abs(self.table.target) / np.exp(self.table.columns @ self.constants)
        return np.asarray(np.nan_to_num(self.base(p) * self.wave(p) - goal, nan=FAR, posinf=FAR))

    def slopes(self, p: FloatArray) -> FloatArray:
        base, columns = self.base(p), [(self.base(p) * self.wave(p))[:, None] * self.table.columns]
        for place in range(len(self.constants), len(p)):
            change = np.zeros(len(p))
            change[place] = STEP * max(abs(p[place]), 1e-3)
            columns.append((base * (self.wave(p + change) - self.wave(p - change)) / (2 * change[place]))[:, None])
        return np.asarray(np.nan_to_num(np.concatenate(columns, 1), posinf=FAR, neginf=-FAR))
