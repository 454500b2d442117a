"""AVIF: sizes that the coded frames declare, which need not be that of the image, and which the decoder allocates."""

import struct
from collections.abc import Iterator

from .formats import ImageDecodeError
from .limits import is_far_larger

MAX_BOXES = 10_000
SEQUENCE_HEADER = 1
MAX_UNITS = 10_000
MAX_ITEMS = 1000
MAX_EXTENTS = 100
ONCE = (b"meta", b"iloc", b"iinf", b"idat")
"""Boxes of which a second one could hide what the decoder reads."""


def as_still(content: bytes) -> bytes:
    """The file, declared to be one image: of an animation, its first image is decoded, not its video track."""
    return content[:8] + b"avif" + content[12:]


def check_frames(content: bytes, width: int, height: int) -> None:
    """Check that no coded frame is far larger than the image.

    Raises:
        ImageDecodeError: one is.
        ValueError, LookupError, struct.error: the file is corrupt, or uses features of video.
    """
    units = 0
    for item in _coded_items(content):
        for kind, payload in _units(item):
            units += 1
            if units > MAX_UNITS:
                raise ValueError(f"more than {MAX_UNITS} units")
            if kind == SEQUENCE_HEADER and is_far_larger(*_largest_frame(payload), width, height):
                columns, rows = _largest_frame(payload)
                raise ImageDecodeError(
                    f"is an AVIF of {width} x {height} pixels with frames of {columns} x {rows}", "save it again"
                )


def _boxes(content: bytes, start: int, end: int) -> dict[bytes, tuple[int, int]]:
    """Where the content of each box lies, by kind, of those that may be there once."""
    found: dict[bytes, tuple[int, int]] = {}
    for kind, place in _listed(content, start, end):
        if kind in found and kind in ONCE:
            raise ValueError(f"two boxes {kind!r}")
        found[kind] = place
    return found


def _listed(content: bytes, start: int, end: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
    """Kind of each box, and where its content lies."""
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        length, kind = struct.unpack_from(">L4s", content, start)
        header = 16 if length == 1 else 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", content, start + 8)
        stop = end if length == 0 else start + length
        if not start + header <= stop <= end:
            raise ValueError("a box ends outside its parent")
        yield kind, (start + header, stop)
        start = stop
    raise ValueError(f"more than {MAX_BOXES} boxes")


def _coded_items(content: bytes) -> Iterator[bytes]:
    """The items that are coded frames."""
    start, end = _boxes(content, 0, len(content))[b"meta"]
    boxes = _boxes(content, start + 4, end)
    coded = set(_numbers_of_coded_items(content, *boxes[b"iinf"]))
    budget = 2 * len(content)
    for number, extents in _locations(content, boxes):
        if number in coded:
            budget -= sum(length for _, length in extents)
            if budget < 0:
                raise ValueError("items that overlap")
            yield b"".join(content[start : start + length] for start, length in extents)


def _locations(content: bytes, boxes: dict[bytes, tuple[int, int]]) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Number of each item, and start and length of its extents, by the box ``iloc``."""
    place, end = boxes[b"iloc"]
    version, sizes, bases = content[place], content[place + 4], content[place + 5]
    offset_size, length_size, base_size = sizes >> 4, sizes & 15, bases >> 4
    index_size = bases & 15 if version in (1, 2) else 0
    reader = _Reader(content, place + 6, end)
    items = reader.number(4 if version == 2 else 2)
    if items > MAX_ITEMS:
        raise ValueError(f"more than {MAX_ITEMS} items")
    for _ in range(items):
        item = reader.number(4 if version == 2 else 2)
        method = reader.number(2) & 15 if version in (1, 2) else 0
        reader.number(2)
        base = reader.number(base_size) + (boxes[b"idat"][0] if method == 1 else 0)
        extents, count = [], reader.number(2)
        if count > MAX_EXTENTS:
            raise ValueError(f"an item in more than {MAX_EXTENTS} pieces")
        for _ in range(count):
            reader.number(index_size)
            start = base + reader.number(offset_size)
            extents.append((start, reader.number(length_size) or len(content)))
        yield item, extents


def _numbers_of_coded_items(content: bytes, place: int, end: int) -> Iterator[int]:
    """Numbers of the items that are coded frames, by the box ``iinf``."""
    first = place + (6 if content[place] == 0 else 8)
    for kind, (start, _) in _listed(content, first, end):
        if kind == b"infe":
            wide = content[start] == 3
            item, _, coding = struct.unpack_from(">LH4s" if wide else ">HH4s", content, start + 4)
            if coding == b"av01":
                yield item


class _Reader:
    """Big-endian numbers, one after the other."""

    def __init__(self, content: bytes, place: int, end: int) -> None:
        self._content, self._place, self._end = content, place, end

    def number(self, size: int) -> int:
        if self._place + size > self._end:
            raise ValueError("a box is too short")
        self._place += size
        return int.from_bytes(self._content[self._place - size : self._place], "big")


def _units(item: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and payload of the units (OBUs) of an item (AV1, 5.3); sequence headers declare the largest frame."""
    place = 0
    while place < len(item):
        first = item[place]
        kind, extended, sized = first >> 3 & 15, first >> 2 & 1, first >> 1 & 1
        place += 1 + extended
        length = len(item) - place
        if sized:
            length, place = _leb128(item, place)
        yield kind, item[place : place + length]
        place += length


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        value |= (data[place + index] & 0x7F) << (7 * index)
        if data[place + index] < 0x80:
            return value, place + index + 1
    raise ValueError("a length of more than 8 bytes")


def _largest_frame(header: bytes) -> tuple[int, int]:
    """Width and height of the largest frame (AV1, 5.5.1)."""
    bits = _Bits(header)
    bits.take(4)
    if bits.take(1):  # the short header of a still image
        bits.take(5)
    else:
        if bits.take(1):
            raise ValueError("a header with timing, as of video")
        delays = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if delays and bits.take(1):
                bits.take(4)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


class _Bits:
    """The bits of some bytes, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data[:64], "big")
        self._left = 8 * min(64, len(data))

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("a header is too short")
        return self._value >> self._left & ((1 << count) - 1)
