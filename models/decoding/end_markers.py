"""Files that lack only their end marker, as downloads and cameras leave them."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ..arrays import ByteArray

END_OF_JPEG = b"\xff\xd9"
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
FRAME_HEADERS, SCAN_HEADER = (0xC0, 0xC1, 0xC2), 0xDA
NO_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xc4\xd0-\xd7\xda-\xdd\xe0-\xef\xfe]")
"""Bytes that are no marker which may follow the pixels of a JPEG, so that they and the rest are no part of it."""
OTHER_PIXELS = bytes(range(1, 255)) * 8
"""Data that would change pixels, if any were missing."""


class _Segment(NamedTuple):
    kind: int
    start: int
    end: int


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
        is_whole = np.array_equal(decoded, other) and _has_all_scans(scans)
    except Exception:  # decoders raise all kinds of exceptions on corrupt files
        return None
    return decoded if is_whole else None


def _scans(content: bytes) -> bytes:
    """A JPEG up to the end of its pixels, as far as that can be known."""
    start = next((segment.end for segment in _segments(content) if segment.kind == SCAN_HEADER), len(content))
    rest = NO_JPEG_MARKER.search(content, start)
    scans = content[: rest.start()] if rest else content
    stripped = scans.rstrip(b"\0")  # downloads may be padded with zeros
    if stripped.endswith(b"\xff"):  # a pixel byte, if a zero follows, else half a marker
        return scans[: len(stripped) + 1] if len(scans) > len(stripped) else stripped.rstrip(b"\xff")
    return stripped


def _has_all_scans(content: bytes) -> bool:
    """Whether the scans of a JPEG give every coefficient to its last bit; a progressive one has ten or so."""
    exact: dict[int, set[int]] = {}
    for kind, start, end in _segments(content):
        segment = content[start:end]
        if kind in FRAME_HEADERS:
            exact = {component: set() for component in segment[8 : 8 + 3 * segment[7] : 3]}
        elif kind == SCAN_HEADER:
            first, last, bits = segment[-3:]
            for component in segment[3:-3:2] if not bits & 15 else ():
                exact.get(component, set()).update(range(first, last + 1))
    return bool(exact) and all(len(coefficients) == 64 for coefficients in exact.values())


def _segments(content: bytes) -> Iterator[_Segment]:
    """The segments of a JPEG; pixels lie between them."""
    place = 2
    while found := MARKER.search(content, place):
        length = int.from_bytes(content[found.end() : found.end() + 2], "big")
        place = found.end() + max(2, length)
        yield _Segment(found[0][1], found.end(), place)
