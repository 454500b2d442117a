"""Small PNG files of the common kinds, whose pixels Pillow's decoder gets at once.

Pillow's reader of PNG files costs several times what decoding a small image does. Every file that has anything special,
even only a chunk of text, is left to that reader, and so is every file in which anything is wrong.
"""

import struct
from typing import NamedTuple
from zlib import crc32

from PIL import Image

from ..arrays import ByteArray
from .decode import decode_pixels

MAX_PIXELS = 2**16
"""Most pixels of a small image; of larger ones, decoding costs more than reading."""
MAX_BYTES = 8 * MAX_PIXELS
"""Most bytes of a file, twice what pixels of four samples take uncompressed."""
MAX_CHUNKS = 100
"""Most chunks of a file, far more than any encoder makes of a small image."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
START = SIGNATURE + b"\0\0\0\rIHDR"
MODES = {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}
"""Pillow's modes by the colour types of PNG, in 8 bits."""
_HEADER, _CHUNK, _CRC = struct.Struct(">LL5B"), struct.Struct(">L4s"), struct.Struct(">L")


class SmallPNG(NamedTuple):
    """A file whose chunks are sound; its pixels are not decoded yet."""

    size: tuple[int, int]
    mode: str
    compressed: bytes

    def decode(self, mode: str, _: int | None = None) -> ByteArray | None:
        """Decode the pixels, as ``decode_pixels`` does; None where they are truncated or corrupt."""
        try:
            image = Image.frombytes(self.mode, self.size, self.compressed, "zip", self.mode, 0)
        except Exception:  # Pillow raises all kinds of exceptions on corrupt files
            return None
        return decode_pixels(image, mode)


def read_small_png(content: bytes) -> SmallPNG | None:
    """Read the chunks of a file; None where Pillow's reader is needed."""
    if len(content) > MAX_BYTES or not content.startswith(START):
        return None
    try:
        width, height, depth, colours, *methods = _HEADER.unpack_from(content, len(START))
        mode = MODES.get(colours)
        if mode is None or depth != 8 or any(methods) or not 0 < width * height <= _max_pixels():
            return None
        samples = _pixels(content)
    except struct.error:  # it is truncated
        return None
    return SmallPNG((width, height), mode, samples) if samples else None


def _max_pixels() -> int:
    return min(MAX_PIXELS, Image.MAX_IMAGE_PIXELS or MAX_PIXELS)


def _pixels(content: bytes) -> bytes | None:
    """The compressed pixels of a file that has nothing but its header, pixels and end."""
    place = len(SIGNATURE)
    parts: list[bytes] = []
    for _ in range(MAX_CHUNKS):
        length, kind = _CHUNK.unpack_from(content, place)
        start = place + _CHUNK.size
        place = start + length + _CRC.size
        if _CRC.unpack_from(content, start + length)[0] != crc32(content[start - len(kind) : start + length]):
            return None
        if kind == b"IEND":
            return b"".join(parts)
        if kind == b"IDAT":
            parts.append(content[start : start + length])
        elif start != len(START):  # not the header
            return None
    return None
