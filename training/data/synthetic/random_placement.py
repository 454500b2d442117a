"""Digits anywhere in a picture, where cells would give away where they may be: to test on, not to train."""

import math

import numpy as np
from numpy.typing import NDArray

from training.data.synthetic.grid_placement import CHUNK, place
from training.data.synthetic.scenes import Canvases

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

FILL = 0.35
"""Share of a picture's area that digits and their margins take; beyond half, random places are hard to find."""
TRIES = 100
"""Places that are tried for one digit before the picture is begun anew."""


def scatter(
    digits: Bytes,
    labels: NDArray[np.integer],
    count: int,
    n: int,
    random: np.random.Generator,
    *,
    scale: tuple[float, float] = (0.7, 1.0),
) -> Canvases:
    """Draw square pictures of ``count`` digits each, at any pixel, so that the digits' own pictures do not overlap.

    Args:
        digits: pictures of single digits, light on black; their margins keep them apart.
        labels: what each of them shows, 0 or more.
        count: digits of every picture, 0 or more.
        n: how many pictures.
        random: source of all random numbers.
        scale: smallest and largest size of a digit's picture, as a share of its own.

    Shape:
        digits: ``(any, side, side)``, uint8. labels: ``(any,)``.
        result: square pictures that grow with the root of ``count``; its digits are ``(n, 1, count)``.
    """
    side = digits.shape[1]
    width = side_of(count, side)
    chosen = random.integers(0, len(digits), (n, count))
    tiles = [
        place(digits[part], scale, side, random)
        for part in np.array_split(chosen.ravel(), range(CHUNK, chosen.size, CHUNK))
        if len(part)
    ]
    pictures = np.zeros((n, 1, width, width), np.uint8)
    if count:
        for picture, drawn in zip(pictures[:, 0], np.concatenate(tiles).reshape(n, count, side, side), strict=True):
            for (down, right), tile in zip(apart(count, side, width, random), drawn, strict=True):
                picture[down : down + side, right : right + side] = tile
    return Canvases(pictures, labels[chosen].astype(np.int64)[:, None])


def side_of(count: int, side: int) -> int:
    """Pixels of the side of a picture that holds so many digits of ``side``."""
    return math.ceil(side * math.sqrt(max(count, 1) / FILL))


def apart(count: int, side: int, width: int, random: np.random.Generator) -> Integers:
    """Upper left corners of ``count`` squares of ``side`` that do not overlap, in one of ``width``: ``(count, 2)``."""
    found = np.empty((0, 2), np.int64)
    while len(found) < count:
        tried = random.integers(0, width - side + 1, (TRIES, 2))
        free = (np.abs(tried[:, None] - found) >= side).any(2).all(1)
        found = np.concatenate([found, tried[free][:1]]) if free.any() else found[:0]
    return found
