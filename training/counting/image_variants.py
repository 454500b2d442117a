"""Variants of test images: other sizes, dark on light, JPEG; accuracy is measured on each."""

import io
from itertools import product

import numpy as np
from PIL import Image

from models.arrays import ByteArray
from models.decoding import decode_pixels
from training.data.labeled_images import LabeledImages

SIZES = (20, 28, 40, 64, 128, 256)
FORMATS = ("PNG", "JPEG")
VARIANTS = tuple(product(SIZES, (False, True), FORMATS))
"""Side in pixels, whether it is dark on light, file format."""


def variant(image: ByteArray, size: int, inverted: bool, file_format: str) -> ByteArray:
    """An image ``(28, 28)`` resized, inverted or not, written as a file and read back, ``(1, size, size)``."""
    resized = Image.fromarray(255 - image if inverted else image).resize((size, size), Image.Resampling.BICUBIC)
    return as_file(np.asarray(resized), file_format)


def as_file(image: ByteArray, file_format: str) -> ByteArray:
    """A grey image ``(height, width)`` written as a file and read back, ``(1, height, width)``."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, file_format)
    with Image.open(io.BytesIO(file.getvalue())) as opened:
        return decode_pixels(opened, "L")


def variants_of(images: ByteArray, labels: ByteArray) -> LabeledImages:
    """Every image ``(n, 28, 28)`` as one of the variants, each equally often, sorted by size."""
    variants = [variant(image, *VARIANTS[i % len(VARIANTS)]) for i, image in enumerate(images)]
    order = sorted(range(len(variants)), key=lambda i: variants[i].shape)  # neighbours of one size are one batch
    return LabeledImages([variants[i] for i in order], labels[order].astype(np.float64))
