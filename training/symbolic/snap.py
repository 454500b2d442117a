"""Snaps exponents to a grid and constants to simple numbers, unless the fit is then significantly worse."""

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.subset_least_squares import SubsetLeastSquares

EXPONENT_DENOMINATORS = (1, 2, 3, 4)
"""Exponents are snapped to multiples of 1, then 1/2, then 1/3, then 1/4."""
MANY = 16
"""Coefficients of which fewer and fewer are snapped at a time."""


def snap_exponents(
    design: FloatArray, goal: FloatArray, weights: FloatArray, deadline: Deadline = NO_DEADLINE
) -> tuple[FloatArray, bool]:
    """Least squares with coefficients snapped to the grid where the data allow it.

    A step to the grid is taken if the mean squared error grows by no more than ``exp(k ln N / N)``, with k
    coefficients on N rows: by the Bayesian information criterion the free fit is then no better. Rules that ask
    for an error at least as small fail in noise, where the free fit wins by chance.

    Args:
        design: one column for each coefficient, centred, ``(rows, columns)``.
        goal: ``(rows,)``, centred.
        weights: of the rows, ``(rows,)``.
        deadline: checked before every step.

    Returns:
        The coefficients ``(columns,)``, and whether all of them are on the grid.
    """
    root = np.sqrt(weights / weights.mean())[:, None]
    problem = SubsetLeastSquares.of(design * root, goal * root[:, 0])
    fixed: dict[int, float] = {}
    for grid in EXPONENT_DENOMINATORS:
        while free := [place for place in range(problem.columns) if place not in fixed]:
            deadline.check()
            values, spread = problem.solve(free, fixed)
            near = np.round(values * grid) / grid
            order = np.argsort(np.abs(values - near) / np.maximum(spread, 1e-300))
            for chosen in _nearest(order):
                trial = fixed | {free[place]: float(near[place]) for place in chosen}
                rest = [place for place in free if place not in trial]
                if problem.error(rest, trial) <= problem.allowed(free, len(chosen), fixed):
                    fixed = trial
                    break
            else:
                break
    free = [place for place in range(problem.columns) if place not in fixed]
    coefficients = np.zeros(problem.columns)
    coefficients[free] = problem.solve(free, fixed)[0]
    coefficients[list(fixed)] = list(fixed.values())
    return coefficients, not free


def _nearest(order: IntArray) -> Iterator[IntArray]:
    """All coefficients, the nearer half, and the nearest; of many, also a quarter, an eighth and so on."""
    size = len(order)
    yield order
    while size > 1:
        size = size // 2 if size == len(order) or len(order) > MANY else 1
        yield order[:size]


_SIMPLE = np.array(
    [
        float(value)
        for value in sorted(
            {Fraction(above, below) for below in range(1, 13) for above in range(1, 10 * below + 1)},
            key=lambda value: (value.denominator, value.numerator),
        )
    ]
)
"""Small fractions, the simplest first."""


def simplest_constant(value: float, tolerance: float) -> float:
    """The simplest number within a tolerance: a small fraction, a multiple of pi, or the shortest decimal.

    Args:
        value: the fitted constant, finite.
        tolerance: how far it may be off, absolute, above 0.
    """
    if abs(value) <= tolerance:
        return 0.0
    size, sign = abs(value), math.copysign(1.0, value)
    for digits in range(1, 17):
        decimal = float(f"{size:.{digits - 1}e}")
        if digits <= 2 and abs(decimal - size) <= tolerance:
            return sign * decimal
        if digits == 2:
            for unit in (1.0, math.pi):
                near = float(_SIMPLE[np.abs(_SIMPLE * unit - size).argmin()])
                if abs(near * unit - size) <= min(tolerance, 1e-4 * size):
                    return sign * near * unit
        if abs(decimal - size) <= tolerance:
            return sign * decimal
    return value


def is_simple(value: float) -> bool:
    """Whether a number has at most six digits, or is a small fraction or such a multiple of pi."""
    if float(f"{value:.6g}") == value:
        return True
    return any(
        abs(float(Fraction(value / unit).limit_denominator(12)) * unit / value - 1) < 1e-14 for unit in (1.0, math.pi)
    )
