"""TIFF files made byte by byte, so that what they declare and hold is known."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ASCII, SHORT, LONG, DOUBLE = 2, 3, 4, 12
_PACKED = {ASCII: "s", SHORT: "H", LONG: "L", DOUBLE: "d"}
_FORMATS = {"u": 1, "i": 2, "f": 3, "c": 6}

Entry = tuple[int, Sequence[float] | bytes]
"""Type and values of a tag."""


def handmade_tiff(
    samples: NDArray[Any],
    *,
    photometric: int = 1,
    order: str = "<",
    compressed: bool = False,
    bits: int | None = None,
    data: bytes | None = None,
    tags: Mapping[int, Entry] | None = None,
) -> bytes:
    """One strip of samples ``(height, width)`` or ``(height, width, bands)``.

    Args:
        samples: of the type that the file declares.
        photometric: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK, 8 CIE L*a*b*.
        order: ``"<"`` or ``">"``.
        compressed: by deflate, which libtiff reads, not Pillow.
        bits: of a sample, where they are not those of its type.
        data: the strip, where it is not the samples in their order.
        tags: further ones, or others.
    """
    height, width, *bands = samples.shape
    count = bands[0] if bands else 1
    ordered = samples.astype(samples.dtype.newbyteorder(order)).tobytes() if data is None else data
    strip = zlib.compress(ordered) if compressed else ordered
    entries: dict[int, Entry] = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits or 8 * samples.itemsize] * count),
        259: (SHORT, [8 if compressed else 1]),
        262: (SHORT, [photometric]),
        273: (LONG, [8]),
        277: (SHORT, [count]),
        278: (LONG, [height]),
        279: (LONG, [len(strip)]),
        339: (SHORT, [_FORMATS[samples.dtype.kind]] * count),
    }
    entries |= tags or {}
    start = 8 + len(strip) + len(strip) % 2
    head = struct.pack(f"{order}2sHL", b"II" if order == "<" else b"MM", 42, start)
    return head + strip.ljust(start - 8, b"\0") + _directory(entries, order, start)


def _directory(entries: Mapping[int, Entry], order: str, start: int) -> bytes:
    beyond = start + 2 + 12 * len(entries) + 4
    listed, values = b"", b""
    for tag, (kind, given) in sorted(entries.items()):
        packed = given if isinstance(given, bytes) else struct.pack(f"{order}{len(given)}{_PACKED[kind]}", *given)
        count = len(given)
        listed += struct.pack(f"{order}HHL", tag, kind, count)
        if len(packed) <= 4:
            listed += packed.ljust(4, b"\0")
        else:
            listed += struct.pack(f"{order}L", beyond + len(values))
            values += packed + b"\0" * (len(packed) % 2)
    return struct.pack(f"{order}H", len(entries)) + listed + bytes(4) + values


def ramp(low: float, high: float, kind: str, width: int = 256) -> NDArray[Any]:
    """Samples of two equal rows that rise from low to high."""
    return np.tile(np.linspace(low, high, width), (2, 1)).astype(kind)
