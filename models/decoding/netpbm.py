"""Netpbm files, whose pixels Pillow reads in a loop in Python where their maximum is not that of 8 or 16 bits."""

import numpy as np
from PIL import Image, ImageFile

from .formats import ImageDecodeError


def load_netpbm(image: Image.Image) -> None:
    """Load the pixels of an opened PBM, PGM or PPM, where Pillow would read them in a loop.

    Raises:
        ImageDecodeError: they are written as text.
        ValueError: there are too few.
    """
    tile = image.tile[0] if isinstance(image, ImageFile.ImageFile) and image.tile else None
    if tile is None or tile.codec_name == "raw":
        return
    if tile.codec_name == "ppm_plain":
        raise ImageDecodeError("is a Netpbm image written as text", "save it in binary, as P4, P5 or P6")
    assert isinstance(image, ImageFile.ImageFile)
    assert isinstance(tile.args, tuple)
    assert image.fp is not None
    highest = int(tile.args[1])
    image.fp.seek(tile.offset)
    bands = len(image.getbands())
    count = image.width * image.height * bands
    kind = np.dtype(np.uint8 if highest < 256 else ">u2")
    samples = np.frombuffer(image.fp.read(count * kind.itemsize), kind, count)
    white = 0xFFFF if image.mode == "I" else 0xFF
    values = np.arange(2 ** (8 * kind.itemsize)).clip(max=highest)
    shades = np.rint(values * (white / highest)).astype(np.uint8 if white == 0xFF else np.int32)
    shape = (image.height, image.width, bands)[: 2 + (bands > 1)]
    image.im = Image.fromarray(shades[samples].reshape(shape)).im
    image.tile = []
