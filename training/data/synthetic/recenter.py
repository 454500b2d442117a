"""Digits in frames of one size, cut close to their ink: so close they may come to their neighbours and to borders."""

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]


def framed(digits: Bytes, side: int) -> Bytes:
    """Move the ink of each picture into the middle of one of ``side`` pixels; what reaches beyond is cut off.

    Args:
        digits: pictures of single digits, light on black.
        side: of the result; 20 hold all ink of MNIST's digits.

    Shape:
        digits: ``(n, any, any)``, uint8. result: ``(n, side, side)``.
    """
    rows, columns = (_middle(np.asarray((digits > 0).any(axis)), side) for axis in (2, 1))
    padded = np.pad(digits, ((0, 0), (side, side), (side, side)))
    found: Bytes = padded[np.arange(len(digits))[:, None, None], rows[:, :, None], columns[:, None, :]]
    return found


def _middle(ink: NDArray[np.bool_], side: int) -> NDArray[np.int64]:
    """The ``side`` places around the middle of each line's ink, ``(n, length)``, when it is padded by ``side``."""
    first, end = ink.argmax(1), ink.shape[1] - ink[:, ::-1].argmax(1)
    start = np.where(ink.any(1), (first + end - side) // 2, 0)
    places: NDArray[np.int64] = start[:, None] + np.arange(side) + side
    return places
