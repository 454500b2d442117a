"""Pictures that hold several digits, for tasks whose only label is a total: how many, their sum, their product.

A canvas is a grid of cells; a cell holds one digit, smaller or larger and somewhere within, or nothing. So digits
never overlap. What reads them place by place must not learn where cells lie: draw canvases whose cells are of several
sizes, and moved (``shift``), and grids of several shapes, as what only ever saw one may spread a constant over it.
``training.data.synthetic.random_placement`` draws digits anywhere, to test on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.data.synthetic.grid_placement import CHUNK, place

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]
Numbers = NDArray[np.float64]
Vary = Callable[[Bytes, np.random.Generator], Bytes]
"""Of digits ``(n, side, side)``: drawn otherwise, square again; the random numbers are its own affair."""

NOTHING = -1
"""Stands for an empty cell among digits."""


@dataclass(frozen=True)
class Canvases:
    """Pictures of several digits, and which they are.

    Shape:
        pictures: ``(n, 1, height, width)``, uint8.
        digits: ``(n, rows, columns)``, the digit in each cell, or ``NOTHING``; without cells ``(n, 1, count)``.
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


def draw_canvases(
    digits: Bytes,
    labels: NDArray[np.integer],
    counts: NDArray[np.integer],
    shape: tuple[int, int],
    random: np.random.Generator,
    *,
    cell: int,
    scale: tuple[float, float] = (0.7, 1.0),
    shift: int = 0,
    vary: Vary | None = None,
) -> Canvases:
    """Draw canvases of one grid shape; which digits, cells, sizes and places is random and uniform.

    Args:
        digits: pictures of single digits, light on black.
        labels: what each of them shows, 0 or more.
        counts: how many digits each canvas is to hold, 0 to ``rows * columns``.
        shape: rows and columns of cells.
        random: source of all random numbers; from the same state come the same canvases.
        cell: pixels of a cell's side, at least ``scale[1]`` times that of the digits.
        scale: smallest and largest size of a digit's picture, as a share of its own.
        shift: most pixels that all cells of a canvas are moved by, down and right; canvases are larger by as many.
        vary: what happens to every digit before it is put into its cell; None: nothing.

    Shape:
        digits: ``(any, side, side)``, uint8. labels: ``(any,)``. counts: ``(n,)``.

    Raises:
        ValueError: a count or the scale is out of its range, or the arrays do not fit one another.
    """
    _check(digits, labels, counts, shape)
    lots = random.random((len(counts), shape[0] * shape[1]))
    taken = lots.argsort(1) < counts[:, None]
    chosen = random.integers(0, len(digits), counts.sum())
    what = np.full(lots.shape, NOTHING)
    what[taken] = labels[chosen]
    canvas, row, column = np.nonzero(taken.reshape(-1, *shape))
    canvases = np.zeros((len(counts), shape[0], cell, shape[1], cell), np.uint8)
    for start in range(0, len(chosen), CHUNK):
        part = slice(start, start + CHUNK)
        drawn = digits[chosen[part]]
        varied = vary(drawn, random) if vary else drawn
        canvases[canvas[part], row[part], :, column[part]] = place(varied, scale, cell, random)
    pictures = _moved(canvases.reshape(len(counts), 1, shape[0] * cell, shape[1] * cell), shift, random)
    return Canvases(pictures, what.reshape(-1, *shape))


def _moved(pictures: Bytes, shift: int, random: np.random.Generator) -> Bytes:
    """Each picture somewhere in one that is ``shift`` pixels taller and wider."""
    height, width = pictures.shape[2:]
    moved = np.zeros((len(pictures), 1, height + shift, width + shift), np.uint8)
    for picture, frame, (down, right) in zip(
        pictures, moved, random.integers(0, shift + 1, (len(pictures), 2)), strict=True
    ):
        frame[:, down : down + height, right : right + width] = picture
    return moved


def _check(
    digits: Bytes,
    labels: NDArray[np.integer],
    counts: NDArray[np.integer],
    shape: tuple[int, int],
) -> None:
    if digits.ndim != 3 or digits.shape[1] != digits.shape[2] or digits.dtype != np.uint8 or not len(digits):
        raise ValueError(f"digits must be uint8 of (any, side, side), got {digits.dtype} of {digits.shape}.")
    if labels.shape != digits.shape[:1] or labels.min() < 0:
        raise ValueError(f"labels must be {len(digits)} numbers of 0 or more, one a picture, got {labels}.")
    cells = shape[0] * shape[1]
    if counts.ndim != 1 or not len(counts) or counts.min() < 0 or counts.max() > cells:
        raise ValueError(f"counts must be numbers of 0 to {cells}, the cells of {shape}, got {counts}.")
