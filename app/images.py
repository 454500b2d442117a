"""From the bytes of an upload to pixels, safely: nothing is decoded before its header was checked."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from app.errors import NotAPictureError, TooLargeError

FORMATS = ("PNG", "JPEG", "WEBP")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture upright, by its EXIF orientation."""


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
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise TooLargeError(
                    f"{what} is {width} x {height} = {width * height} pixels; at most {max_pixels} are taken, "
                    f"so make it smaller."
                )
            picture.load()
            return _pixels(_upright_on_white(picture).convert(mode))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow refuses the largest claims itself, before we can read them
        raise TooLargeError(
            f"{what} claims far more pixels; at most {max_pixels} are taken, so make it smaller."
        ) from error
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise NotAPictureError(f"{what} is not a whole PNG, JPEG or WebP picture; convert or replace it.") from error


def _upright_on_white(picture: Image.Image) -> Image.Image:
    upright = picture.transpose(_TURNS[turn]) if (turn := _orientation(picture)) in _TURNS else picture
    if upright.mode.startswith("I"):  # 16 bits a pixel; Pillow would clip instead of scaling
        return Image.fromarray((np.asarray(upright).astype(np.uint32) >> 8).astype(np.uint8))
    if not upright.has_transparency_data:
        return upright
    picture_with_alpha = upright.convert("RGBA")
    white = Image.new("RGBA", picture_with_alpha.size, "white")
    return Image.alpha_composite(white, picture_with_alpha)


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or where the EXIF block is broken."""
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's reader raises whatever a broken block makes it stumble over
        return 1


def _pixels(picture: Image.Image) -> NDArray[np.uint8]:
    pixels: NDArray[Any] = np.asarray(picture, dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
