"""Digits at any pixel of an image, where a grid would give away their positions: test scenes, not training."""

import math

import numpy as np
from numpy.typing import NDArray

from models.arrays import ByteArray, IntArray
from training.data.synthetic.grid_placement import CHUNK, place_in_cell
from training.data.synthetic.scenes import Scenes

FILL = 0.35
"""Share of an image's area that digits and their margins take; beyond half, random positions are hard to find."""
TRIES = 100
"""Positions tried for one digit before the image is begun anew."""


def place_randomly(
    digits: ByteArray,
    labels: NDArray[np.integer],
    count: int,
    n: int,
    random: np.random.Generator,
    *,
    scale: tuple[float, float] = (0.7, 1.0),
) -> Scenes:
    """Draw square images of ``count`` digits each, at any pixel, so that the digits' own images do not overlap.

    Args:
        digits: images of single digits, light on black; their margins keep them apart.
        labels: the digit of each image, 0 or more.
        count: digits of every image, 0 or more.
        n: how many images.
        random: source of all random numbers.
        scale: smallest and largest size of a digit's image, as a share of its own.

    Shape:
        digits: ``(any, side, side)``, uint8. labels: ``(any,)``.
        result: square images that grow with the root of ``count``; its digits are ``(n, 1, count)``.
    """
    side = digits.shape[1]
    width = scene_side(count, side)
    chosen = random.integers(0, len(digits), (n, count))
    tiles = [
        place_in_cell(digits[part], scale, side, random)
        for part in np.array_split(chosen.ravel(), range(CHUNK, chosen.size, CHUNK))
        if len(part)
    ]
    images = np.zeros((n, 1, width, width), np.uint8)
    if count:
        for image, drawn in zip(images[:, 0], np.concatenate(tiles).reshape(n, count, side, side), strict=True):
            for (down, right), tile in zip(non_overlapping_corners(count, side, width, random), drawn, strict=True):
                image[down : down + side, right : right + side] = tile
    return Scenes(images, labels[chosen].astype(np.int64)[:, None])


def scene_side(count: int, side: int) -> int:
    """Side in pixels of a scene of ``count`` digits of ``side`` pixels."""
    return math.ceil(side * math.sqrt(max(count, 1) / FILL))


def non_overlapping_corners(count: int, side: int, width: int, random: np.random.Generator) -> IntArray:
    """Upper left corners of ``count`` squares of ``side`` that do not overlap, in one of ``width``: ``(count, 2)``."""
    found = np.empty((0, 2), np.int64)
    while len(found) < count:
        tried = random.integers(0, width - side + 1, (TRIES, 2))
        free = (np.abs(tried[:, None] - found) >= side).any(2).all(1)
        found = np.concatenate([found, tried[free][:1]]) if free.any() else found[:0]
    return found
