"""Recenters the ink of digits in tight frames of one size, so that digits lie close to each other and to borders."""

import numpy as np

from models.arrays import BoolArray, ByteArray, IntArray


def recenter(digits: ByteArray, side: int) -> ByteArray:
    """Move the ink of each image into the middle of one of ``side`` pixels; ink outside is cut off.

    Args:
        digits: images of single digits, light on black.
        side: of the result; 20 hold all ink of MNIST's digits.

    Shape:
        digits: ``(n, any, any)``, uint8. result: ``(n, side, side)``.
    """
    rows, columns = (_middle(np.asarray((digits > 0).any(axis)), side) for axis in (2, 1))
    padded = np.pad(digits, ((0, 0), (side, side), (side, side)))
    found: ByteArray = padded[np.arange(len(digits))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return found


def _middle(ink: BoolArray, side: int) -> IntArray:
    """The ``side`` indices around the middle of each line's ink, ``(n, length)``, when it is padded by ``side``."""
    first, end = ink.argmax(1), ink.shape[1] - ink[:, ::-1].argmax(1)
    start = np.where(ink.any(1), (first + end - side) // 2, 0)
    indices: IntArray = start[:, None] + np.arange(side) + side
    return indices
