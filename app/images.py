"""From the bytes of an upload to pixels, safely: nothing is decoded before its header was checked."""

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from app.errors import NotAPictureError, TooLargeError

FORMATS = ("PNG", "JPEG", "WEBP")


def decode(content: bytes, what: str, mode: str, max_pixels: int) -> NDArray[np.uint8]:
    """Decode a picture as a viewer would show it: turned upright, transparency on white.

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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of bombs by its own limit; ours is checked below
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > max_pixels:
                    raise TooLargeError(
                        f"{what} is {width} x {height} = {width * height} pixels; at most {max_pixels} are taken, "
                        f"so make it smaller."
                    )
                return _pixels(_upright_on_white(picture).convert(mode))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise NotAPictureError(f"{what} is not a whole PNG, JPEG or WebP picture; convert or replace it.") from error


def _upright_on_white(picture: Image.Image) -> Image.Image:
    upright: Image.Image = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):  # 16 bits a pixel; Pillow would clip instead of scaling
        return Image.fromarray((np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8))
    if not upright.has_transparency_data:
        return upright
    picture_with_alpha = upright.convert("RGBA")
    white = Image.new("RGBA", picture_with_alpha.size, "white")
    return Image.alpha_composite(white, picture_with_alpha)


def _pixels(picture: Image.Image) -> NDArray[np.uint8]:
    pixels: NDArray[Any] = np.asarray(picture, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
