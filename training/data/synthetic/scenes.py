"""Scenes: images of several digits whose only label is an aggregate, such as their count, sum or product.

A scene is a grid of cells; a cell holds one digit, at a random size and offset, or nothing. So digits never overlap. A
per-location classifier must not learn where cells lie: draw scenes whose cells are of several sizes and shifted
(``shift``), and grids of several shapes; a network that saw one grid only may spread a constant over it.
``training.data.synthetic.random_placement`` draws digits at any pixel, for test scenes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.arrays import ByteArray, FloatArray, IntArray
from training.data.synthetic.grid_placement import CHUNK, place_in_cell

Augment = Callable[[ByteArray, np.random.Generator], ByteArray]
"""Of digits ``(n, side, side)`` and random numbers: the digits drawn otherwise, square again."""

EMPTY = -1
"""The label of an empty cell."""


@dataclass(frozen=True)
class Scenes:
    """Images of several digits, and the digits.

    Shape:
        images: ``(n, 1, height, width)``, uint8.
        digits: ``(n, rows, columns)``, the digit in each cell, or ``EMPTY``; without cells ``(n, 1, count)``.
    """

    images: ByteArray
    digits: IntArray

    @property
    def counts(self) -> FloatArray:
        """How many digits each scene holds, ``(n,)``."""
        return np.asarray((self.digits != EMPTY).sum((1, 2)), np.float64)

    @property
    def sums(self) -> FloatArray:
        """The sum of the digits of each scene, ``(n,)``; 0 where there are none."""
        return np.asarray(self.digits.sum((1, 2), where=self.digits != EMPTY), np.float64)

    @property
    def products(self) -> FloatArray:
        """The product of the digits of each scene, ``(n,)``; 1 where there are none."""
        return np.asarray(self.digits.prod((1, 2), where=self.digits != EMPTY, dtype=np.float64))


def draw_scenes(
    digits: ByteArray,
    labels: NDArray[np.integer],
    counts: NDArray[np.integer],
    grid: tuple[int, int],
    random: np.random.Generator,
    *,
    cell: int,
    scale: tuple[float, float] = (0.7, 1.0),
    shift: int = 0,
    augment: Augment | None = None,
) -> Scenes:
    """Draw scenes of one grid; digits, cells, sizes and offsets are uniformly random.

    Args:
        digits: images of single digits, ``(any, side, side)``, uint8, light on black.
        labels: the digit of each image, ``(any,)``, 0 or more.
        counts: digits of each scene, ``(n,)``, 0 to ``rows * columns``.
        grid: rows and columns of cells.
        random: source of all random numbers; from the same state come the same scenes.
        cell: pixels of a cell's side, at least ``scale[1]`` times that of the digits.
        scale: smallest and largest size of a digit's image, as a share of its own.
        shift: most pixels that the cells of a scene are shifted by, down and right; scenes grow by as many.
        augment: applied to every digit before it is placed in its cell; None: nothing.

    Raises:
        ValueError: a count or the scale is out of its range, or the arrays do not fit one another.
    """
    _check(digits, labels, counts, grid)
    taken = random.random((len(counts), grid[0] * grid[1])).argsort(1) < counts[:, None]
    chosen = random.integers(0, len(digits), counts.sum())
    held = np.full(taken.shape, EMPTY)
    held[taken] = labels[chosen]
    images = np.zeros((len(counts), grid[0], cell, grid[1], cell), np.uint8)
    scene, row, column = np.nonzero(taken.reshape(-1, *grid))
    for part in (slice(start, start + CHUNK) for start in range(0, len(chosen), CHUNK)):
        drawn = augment(digits[chosen[part]], random) if augment else digits[chosen[part]]
        images[scene[part], row[part], :, column[part]] = place_in_cell(drawn, scale, cell, random)
    joined = images.reshape(len(counts), 1, grid[0] * cell, -1)
    return Scenes(_shifted(joined, shift, random), held.reshape(-1, *grid))


def _shifted(images: ByteArray, shift: int, random: np.random.Generator) -> ByteArray:
    """Each image at a random offset in one that is ``shift`` pixels taller and wider."""
    height, width = images.shape[2:]
    shifted = np.zeros((len(images), 1, height + shift, width + shift), np.uint8)
    for image, frame, (down, right) in zip(
        images, shifted, random.integers(0, shift + 1, (len(images), 2)), strict=True
    ):
        frame[:, down : down + height, right : right + width] = image
    return shifted


def _check(
    digits: ByteArray,
    labels: NDArray[np.integer],
    counts: NDArray[np.integer],
    grid: tuple[int, int],
) -> None:
    if digits.ndim != 3 or digits.shape[1] != digits.shape[2] or digits.dtype != np.uint8 or not len(digits):
        raise ValueError(f"digits must be uint8 of (any, side, side), got {digits.dtype} of {digits.shape}.")
    if labels.shape != digits.shape[:1] or labels.min() < 0:
        raise ValueError(f"labels must be {len(digits)} numbers of 0 or more, one an image, got {labels}.")
    cell_count = grid[0] * grid[1]
    if counts.ndim != 1 or not len(counts) or counts.min() < 0 or counts.max() > cell_count:
        raise ValueError(f"counts must be numbers of 0 to {cell_count}, the cells of {grid}, got {counts}.")
