"""The same digit as different files would show it: other sizes, dark on light, JPEG; and how well each is read."""

import io
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.decoding import pixels
from training.vision.fit import Examples

SIZES = (20, 28, 40, 64, 128, 256)
FORMATS = ("PNG", "JPEG")
VIEWS = tuple(product(SIZES, (False, True), FORMATS))
"""Side in pixels, whether it is dark on light, file format."""


def view(picture: NDArray[np.uint8], size: int, inverted: bool, file_format: str) -> NDArray[np.uint8]:
    """A picture ``(28, 28)`` resized, inverted or not, written as a file and read back, ``(1, size, size)``."""
    shown = Image.fromarray(255 - picture if inverted else picture).resize((size, size), Image.Resampling.BICUBIC)
    return as_file(np.asarray(shown), file_format)


def as_file(picture: NDArray[np.uint8], file_format: str) -> NDArray[np.uint8]:
    """A grey picture ``(height, width)`` written as a file and read back, ``(1, height, width)``."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, file_format)
    with Image.open(io.BytesIO(file.getvalue())) as opened:
        return pixels(opened, "L")


def views_of(pictures: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Examples:
    """Every picture ``(n, 28, 28)`` in one of the views, each view as often as the others."""
    shown = [view(picture, *VIEWS[i % len(VIEWS)]) for i, picture in enumerate(pictures)]
    order = sorted(range(len(shown)), key=lambda i: shown[i].shape)  # neighbours of one size are read together
    return Examples([shown[i] for i in order], labels[order].astype(np.float64))
