"""Puts a digit into a cell of a scene, at a random size and offset, nothing cut off."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from models.arrays import ByteArray
from models.preprocessing import resize_matrix

CHUNK = 512
"""Digits that are drawn at a time; they stay in the processor's cache."""


def place_in_cell(digits: ByteArray, scale: tuple[float, float], cell: int, random: np.random.Generator) -> ByteArray:
    """Draw each digit at a random size and offset in a cell of its own.

    Two matrix products do it, as one matrix resizes and shifts a line.

    Args:
        digits: images of single digits, light on black, at most a few hundred.
        scale: smallest and largest size, as a share of the image's own; sizes are whole pixels, uniform.
        cell: pixels of a cell's side, at least ``scale[1] * side``.
        random: source of all random numbers.

    Shape:
        digits: ``(n, side, side)``, uint8. result: ``(n, cell, cell)``, uint8.

    Raises:
        ValueError: scale falls, or its sizes lie outside 1 to cell.
    """
    side = digits.shape[1]
    smallest, largest = (round(share * side) for share in scale)
    if not 1 <= smallest <= largest <= cell:
        raise ValueError(f"scale must rise and make {side} pixels 1 to {cell}, the cell's, got {scale}.")
    sizes = random.integers(smallest, largest + 1, len(digits))
    down, right = random.integers(0, cell - sizes + 1, (2, len(digits)))
    matrices, index = _placements(side, smallest, largest, cell), sizes - smallest
    drawn = matrices[index, down] @ digits.astype(np.float32) @ matrices[index, right].swapaxes(1, 2)
    rounded: ByteArray = (drawn + 0.5).astype(np.uint8)
    return rounded


@cache
def _placements(side: int, smallest: int, largest: int, cell: int) -> NDArray[np.float32]:
    """Matrices ``[size, offset]`` of ``(cell, side)``: resized as the service resizes, zeros around."""
    matrices = np.zeros((largest - smallest + 1, cell - smallest + 1, cell, side), np.float32)
    for i, size in enumerate(range(smallest, largest + 1)):
        resize = resize_matrix(torch.empty(side), torch.arange(size) + 0.5).numpy()
        for offset in range(cell - size + 1):
            matrices[i, offset, offset : offset + size] = resize
    return matrices
