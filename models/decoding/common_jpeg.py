"""JPEG files of the common kinds, of which simplejpeg gives the pixels at once.

Pillow's reader takes as long as a tenth of the pixels do, and copies them twice. Every file that has anything special,
as metadata, or colours that are not those of JFIF, is left to that reader, and so is every file in which anything is
wrong.
"""

import struct
from math import inf
from typing import NamedTuple

import numpy as np
import simplejpeg
from PIL import Image

from ..arrays import ByteArray
from .decode import OVERSAMPLING
from .end_markers import END_OF_JPEG

MAX_SEGMENTS = 100
"""Most segments before the pixels, far more than any encoder writes."""
START = b"\xff\xd8\xff"
BASELINE_FRAME, SCAN = 0xC0, 0xDA
KNOWN_SEGMENTS = {BASELINE_FRAME, 0xC4, 0xDB, 0xDD, 0xE0, 0xFE}
"""Frame, both kinds of tables, restart interval, JFIF and comments: none says how to show the pixels."""
SCALES = (8, 4, 2)
"""By which libjpeg reduces an image in the first step of decoding."""
_SEGMENT, _FRAME = struct.Struct(">BBH"), struct.Struct(">BHHB")


class CommonJPEG(NamedTuple):
    """A file whose segments before the pixels are sound; nothing is decoded yet."""

    size: tuple[int, int]
    channels: int
    content: bytes

    def decode(self, mode: str, needed: int | None) -> ByteArray | None:
        """Decode the pixels, as ``decode_pixels`` does.

        Args:
            mode: ``"L"`` for grey, ``"RGB"`` for colour.
            needed: see ``decode_pixels``.

        Returns:
            ``(channels, height, width)``; None where there is as much as a warning.
        """
        side = min(self.size)
        scale = 1 if needed is None else next((n for n in SCALES if side >= n * OVERSAMPLING * needed), 1)
        grey = self.channels == 1 or (mode == "L" and needed is not None)
        colours = "GRAY" if grey else "RGBX" if mode == "L" else "RGB"
        width, height = (-(-side // scale) for side in self.size)
        try:
            samples = simplejpeg.decode_jpeg(self.content, colours, min_height=height, min_width=width, min_factor=1)
        except ValueError:  # an error, or only a warning
            return None
        if samples.shape[:2] != (height, width):
            return None
        if colours == "RGBX":  # the form in which Pillow needs no copy
            colour = Image.frombuffer("RGBX", (width, height), samples, "raw", "RGBX", 0, 1)
            return np.array(colour.convert("L"), np.uint8)[None]
        channels = np.ascontiguousarray(samples.transpose(2, 0, 1))
        return np.repeat(channels, 3, axis=0) if grey and mode == "RGB" else channels


def read_common_jpeg(content: bytes) -> CommonJPEG | None:
    """Read the segments before the pixels; None where Pillow's reader is needed."""
    if not content.startswith(START) or content.rfind(END_OF_JPEG) < 0:
        return None
    try:
        frame = _frame(content)
    except struct.error:  # it is truncated
        return None
    if frame is None:
        return None
    depth, height, width, channels = frame
    if depth != 8 or channels not in (1, 3) or not 0 < width * height <= (Image.MAX_IMAGE_PIXELS or inf):
        return None
    return CommonJPEG((width, height), channels, content)


def _frame(content: bytes) -> tuple[int, int, int, int] | None:
    """Bits of a sample, height, width and channels, of a file that has a frame and nothing special."""
    frame = None
    place = len(START) - 1
    for _ in range(MAX_SEGMENTS):
        mark, kind, length = _SEGMENT.unpack_from(content, place)
        if mark != 0xFF or (kind not in KNOWN_SEGMENTS and kind != SCAN) or (kind == BASELINE_FRAME and frame):
            return None
        if kind == SCAN:
            return frame
        if kind == BASELINE_FRAME:
            frame = _FRAME.unpack_from(content, place + _SEGMENT.size)
        place += 2 + length
    return None
