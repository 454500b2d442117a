"""Files that lack only their end marker, as downloads and cameras leave them."""

import re
from collections.abc import Callable

import numpy as np

from models.arrays import ByteArray

END_OF_JPEG = b"\xff\xd9"
START_OF_SCAN = b"\xff\xda"
NO_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xc4\xd0-\xd7\xda-\xdd\xe0-\xef\xfe]")
"""Bytes that are no marker which may follow the pixels of a JPEG, so that they and the rest are no part of it."""
OTHER_PIXELS = bytes(range(1, 255)) * 8
"""Data that would change pixels, if any were missing."""


def has_end(image_format: str | None, content: bytes) -> bool:
    """Whether a file has its end marker; True for formats of which it is not known."""
    marker = {"JPEG": END_OF_JPEG, "PNG": b"IEND"}.get(str(image_format), b"")
    return content.rfind(marker) >= 0


def decode_without_end(content: bytes, decode: Callable[[bytes], ByteArray]) -> ByteArray | None:
    """Decode a JPEG that lacks its end marker.

    The decoder fills missing pixels with grey, silently. So the file is decoded twice, once with other data appended:
    where the two agree, no pixel was missing.

    Args:
        content: the file.
        decode: decodes a file.

    Returns:
        the pixels; None where some are missing, or the file is corrupt otherwise.
    """
    scans = _scans(content)
    try:
        decoded, other = (decode(scans + data + END_OF_JPEG) for data in (b"", OTHER_PIXELS))
    except Exception:  # decoders raise all kinds of exceptions on corrupt files
        return None
    return decoded if np.array_equal(decoded, other) else None


def _scans(content: bytes) -> bytes:
    """A JPEG up to the end of its pixels, as far as that can be known."""
    start = content.find(START_OF_SCAN)
    rest = NO_JPEG_MARKER.search(content, max(start, 0))
    scans = content[: rest.start()] if rest else content
    stripped = scans.rstrip(b"\0")  # downloads may be padded with zeros
    if stripped.endswith(b"\xff"):  # a pixel byte, if a zero follows, else half a marker
        return scans[: len(stripped) + 1] if len(scans) > len(stripped) else stripped.rstrip(b"\xff")
    return stripped
