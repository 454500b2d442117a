"""Which rows lie outside the range that their model was trained on, and how far."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Ranges = tuple[tuple[float, float], ...]
"""Lowest and highest value of each column in training."""
MAX_DISTANCE = 1e6
"""Farther rows count as so far: one value near the end of float64 would make every later sum useless."""
MAX_PYTHON_ROWS = 8
"""Most rows that are compared with a range in less time by a loop than by NumPy."""


def bounds_of(ranges: Iterable[tuple[float, float]]) -> NDArray[np.float64]:
    """Lowest and highest values, ``(2, columns, 1)``, to be compared with columns of rows."""
    return np.array([*ranges], dtype=np.float64).T[:, :, None]


def outside_ranges(inputs: NDArray[np.float64], bounds: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each row lies outside the range.

    Args:
        inputs: ``(rows, columns)``.
        bounds: of ``bounds_of``.
    """
    columns = np.ascontiguousarray(inputs.T)  # NumPy reduces the first axis many times faster than a short last one
    outside: NDArray[np.bool_] = np.logical_or.reduce((columns < bounds[0]) | (columns > bounds[1]))
    return outside


def extrapolation_distances(inputs: NDArray[np.float64], ranges: Ranges) -> NDArray[np.float64]:
    """How far each row outside the range lies from it, in widths of the range; rows inside are left out.

    The distance of a row is that of its farthest column. 0 is the edge of the range, and 1 as far beyond it as the
    range is wide. A column that was constant in training has no width: its absolute value, or 1 for 0, takes its place.

    Args:
        inputs: ``(rows, columns)``.
        ranges: one for each column.

    Returns:
        ``(rows outside,)``, greater than 0 and at most ``MAX_DISTANCE``.
    """
    low, high = bounds_of(ranges)
    columns = np.ascontiguousarray(inputs.T)  # as above
    with np.errstate(over="ignore", invalid="ignore"):
        beyond = np.maximum(low - columns, columns - high)
        is_outside = (beyond > 0).any(0)
        if not is_outside.any():
            return np.empty(0)
        width = high - low
        width[width == 0] = np.where(low == 0, 1, abs(low))[width == 0]
        distances: NDArray[np.float64] = np.fmin((beyond / width).max(0), MAX_DISTANCE)[is_outside]
    return distances
