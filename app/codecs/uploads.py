"""Uploads become pixels, safely: nothing is decoded before its header was checked."""

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from app.errors import TooLargeError, UnsupportedImageError
from models.decoding import BROKEN, FORMATS, pixels

NANOSECONDS = 30
"""What decoding costs for each pixel, more or less, of a photograph."""
REDUCED_NANOSECONDS = 4
"""The same of a JPEG that is going to be made small, which need not be decoded in full unless it is progressive."""


class Upload:
    """A file whose header was read and found acceptable.

    Args:
        content: the file's bytes.
        what: the file's name in messages.
        max_pixels: most pixels that are decoded.
        resized: whether it is going to be made small, if it is large.

    Raises:
        UnsupportedImageError: the bytes do not begin as a PNG, JPEG or WebP picture does.
        TooLargeError: the header claims more pixels than allowed.
    """

    def __init__(self, content: bytes, what: str, max_pixels: int, *, resized: bool = True) -> None:
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
        self.size = width, height = self._file.size
        """Width and height as they are stored, before the picture is turned upright."""
        self.pixels = width * height
        reduced = resized and isinstance(self._file, JpegImageFile) and "progressive" not in self._file.info
        self.decode_seconds = self.pixels * (REDUCED_NANOSECONDS if reduced else NANOSECONDS) * 1e-9
        """Seconds that decoding will take, more or less."""
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
            UnsupportedImageError: the bytes are no whole picture.
        """
        try:
            with self._file:
                return pixels(self._file, mode, needed)
        except BROKEN as error:
            raise self._broken() from error

    def _broken(self) -> UnsupportedImageError:
        return UnsupportedImageError(f"{self._what} is not a whole PNG, JPEG or WebP picture; convert or replace it.")
