"""Uploads become pixels, safely: nothing is decoded before its header was checked."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.errors import NotAPictureError, TooLargeError
from models.decoding import BROKEN, FORMATS, pixels

NANOSECONDS = {"JPEG": 4, "PNG": 30, "WEBP": 30}
"""What decoding costs for each pixel, more or less, of a photograph that is going to be made small."""


class Picture:
    """A file whose header was read and found acceptable.

    Args:
        content: the file's bytes.
        what: the file's name in messages.
        max_pixels: most pixels that are decoded.

    Raises:
        NotAPictureError: the bytes do not begin as a PNG, JPEG or WebP picture does.
        TooLargeError: the header claims more pixels than allowed.
    """

    def __init__(self, content: bytes, what: str, max_pixels: int) -> None:
        self._what = what
        try:
            self._file = Image.open(io.BytesIO(content), formats=FORMATS)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            # Pillow refuses the largest claims itself, before we can read them
            raise TooLargeError(
                f"{what} claims far more pixels; at most {max_pixels} are taken, so make it smaller."
            ) from error
        except BROKEN as error:
            raise self._broken() from error
        width, height = self._file.size
        self.decode_seconds = width * height * NANOSECONDS[self._file.format or "PNG"] * 1e-9
        """Seconds that decoding will take, more or less."""
        self.pixels = width * height
        if self.pixels > max_pixels:
            raise TooLargeError(
                f"{what} is {width} x {height} = {self.pixels} pixels; at most {max_pixels} are taken, "
                f"so make it smaller."
            )

    def decode(self, mode: str, needed: int | None = None) -> NDArray[np.uint8]:
        """Pixels as a viewer would show them, see ``models.decoding``; once.

        Args:
            mode: ``"L"`` for grey, ``"RGB"`` for colour.
            needed: the longer side of what the picture is going to be resized to; None keeps every pixel.

        Returns:
            ``(channels, height, width)``.

        Raises:
            NotAPictureError: the bytes are no whole picture.
        """
        try:
            with self._file:
                return pixels(self._file, mode, needed)
        except BROKEN as error:
            raise self._broken() from error

    def _broken(self) -> NotAPictureError:
        return NotAPictureError(f"{self._what} is not a whole PNG, JPEG or WebP picture; convert or replace it.")
