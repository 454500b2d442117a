"""Pictures that hold several digits, for tasks whose only label is a total: how many, their sum, their product.

A canvas is a grid of cells; a cell holds one digit, smaller or larger and somewhere within, or nothing. So digits
never overlap, and their sizes and gaps are the same however many there are: with more digits the canvas grows
(``grid``), and a CNN that sums over places meets nothing new but more of the same. For this to hold, train on grids
of several shapes: what only ever saw one may spread a constant over it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.cells import CHUNK, place

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]

CELL = 32
"""Pixels of a cell's side: room to move for a digit of 28, and a multiple of the small backbone's stride, 8."""
FILL = 0.5
"""Share of the cells that digits take on the canvas that ``grid`` chooses."""
NOTHING = -1
"""Stands for an empty cell among digits."""


@dataclass(frozen=True)
class Canvases:
    """Pictures of several digits, and what is where.

    Shape:
        pictures: ``(n, 1, rows * cell, columns * cell)``, uint8.
        digits: ``(n, rows, columns)``, the digit in each cell, or ``NOTHING``.
    """

    pictures: Bytes
    digits: Integers

    @property
    def counts(self) -> Numbers:
        """How many digits each canvas holds, ``(n,)``."""
        return np.asarray((self.digits != NOTHING).sum((1, 2)), np.float64)

    @property
    def sums(self) -> Numbers:
        """The sum of the digits of each canvas, ``(n,)``; 0 where there are none."""
        return np.asarray(self.digits.sum((1, 2), where=self.digits != NOTHING), np.float64)

    @property
    def products(self) -> Numbers:
        """The product of the digits of each canvas, ``(n,)``; 1 where there are none."""
        return np.asarray(self.digits.prod((1, 2), where=self.digits != NOTHING, dtype=np.float64))


def grid(digits: int) -> tuple[int, int]:
    """Rows and columns of a nearly square canvas that so many digits fill to ``FILL``, or to little less.

    Raises:
        ValueError: digits is below 0.
    """
    if digits < 0:
        raise ValueError(f"digits must be at least 0, got {digits}.")
    cells = max(math.ceil(digits / FILL), 1)
    rows = round(math.sqrt(cells))
    return rows, math.ceil(cells / rows)


def draw_canvases(
    digits: Bytes,
    labels: NDArray[np.integer],
    counts: NDArray[np.integer],
    shape: tuple[int, int],
    random: np.random.Generator,
    *,
    scale: tuple[float, float] = (0.7, 1.0),
    inverted: float = 0.0,
    cell: int = CELL,
) -> Canvases:
    """Draw canvases of one grid shape; which digits, cells, sizes and places is random and uniform.

    Args:
        digits: pictures of single digits, light on black.
        labels: what each of them shows, 0 or more.
        counts: how many digits each canvas is to hold, 0 to ``rows * columns``.
        shape: rows and columns of cells; see ``grid``.
        random: source of all random numbers; from the same state come the same canvases.
        scale: smallest and largest size of a digit's picture, as a share of its own.
        inverted: share of the canvases that are dark on white, 0 to 1.
        cell: pixels of a cell's side, at least ``scale[1] * side``.

    Shape:
        digits: ``(any, side, side)``, uint8. labels: ``(any,)``. counts: ``(n,)``.

    Raises:
        ValueError: a count, the scale or the share is out of its range, or the arrays do not fit one another.
    """
    _check(digits, labels, counts, shape, inverted)
    lots = random.random((len(counts), shape[0] * shape[1]))
    taken = lots.argsort(1) < counts[:, None]
    chosen = random.integers(0, len(digits), counts.sum())
    what = np.full(lots.shape, NOTHING)
    what[taken] = labels[chosen]
    canvas, row, column = np.nonzero(taken.reshape(-1, *shape))
    canvases = np.zeros((len(counts), shape[0], cell, shape[1], cell), np.uint8)
    for start in range(0, len(chosen), CHUNK):
        part = slice(start, start + CHUNK)
        canvases[canvas[part], row[part], :, column[part]] = place(digits[chosen[part]], scale, cell, random)
    canvases[random.random(len(counts)) < inverted] ^= 255
    pictures = canvases.reshape(len(counts), 1, shape[0] * cell, shape[1] * cell)
    return Canvases(pictures, what.reshape(-1, *shape))


def _check(
    digits: Bytes,
    labels: NDArray[np.integer],
    counts: NDArray[np.integer],
    shape: tuple[int, int],
    inverted: float,
) -> None:
    if digits.ndim != 3 or digits.shape[1] != digits.shape[2] or digits.dtype != np.uint8 or not len(digits):
        raise ValueError(f"digits must be uint8 of (any, side, side), got {digits.dtype} of {digits.shape}.")
    if labels.shape != digits.shape[:1] or labels.min() < 0:
        raise ValueError(f"labels must be {len(digits)} numbers of 0 or more, one a picture, got {labels}.")
    cells = shape[0] * shape[1]
    if counts.ndim != 1 or not len(counts) or counts.min() < 0 or counts.max() > cells:
        raise ValueError(f"counts must be numbers of 0 to {cells}, the cells of {shape}, got {counts}.")
    if not 0 <= inverted <= 1:
        raise ValueError(f"inverted must lie in 0 to 1, got {inverted}.")
