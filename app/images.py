"""Uploads become pixels, safely: nothing is decoded before its header was checked."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import NotAPictureError, TooLargeError
from models.decoding import BROKEN, FORMATS, pixels


def decode(content: bytes, what: str, mode: str, max_pixels: int) -> NDArray[np.uint8]:
    """Decode a picture as a viewer would show it, see ``models.decoding``.

    Args:
        content: the file's bytes.
        what: the file's name in messages.
        mode: ``"L"`` for grey, ``"RGB"`` for colour.
        max_pixels: most pixels that are decoded.

    Returns:
        ``(channels, height, width)``.

    Raises:
        NotAPictureError: the bytes are no whole PNG, JPEG or WebP picture.
        TooLargeError: the header claims more pixels than allowed.
    """
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise TooLargeError(
                    f"{what} is {width} x {height} = {width * height} pixels; at most {max_pixels} are taken, "
                    f"so make it smaller."
                )
            return pixels(picture, mode)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow refuses the largest claims itself, before we can read them
        raise TooLargeError(
            f"{what} claims far more pixels; at most {max_pixels} are taken, so make it smaller."
        ) from error
    except BROKEN as error:
        raise NotAPictureError(f"{what} is not a whole PNG, JPEG or WebP picture; convert or replace it.") from error
