"""PNG files encoded from the specification (ISO/IEC 15948), independently of Pillow."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
"""The colour types."""
ADAM7 = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
"""First row, first column, step of rows and step of columns of each pass of an interlaced image."""

Chunk = tuple[bytes, bytes]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def handmade_png(
    samples: NDArray[np.integer],
    colour_type: int,
    depth: int = 8,
    *,
    before: tuple[Chunk, ...] = (),
    after: tuple[Chunk, ...] = (),
    interlaced: bool = False,
) -> bytes:
    """A PNG file.

    Args:
        samples: ``(height, width)`` or ``(height, width, samples a pixel)``, each of ``depth`` bits.
        colour_type: of the samples.
        depth: bits of a sample.
        before: chunks before the pixels, such as ``(b"tRNS", ...)``.
        after: chunks after the pixels.
        interlaced: whether the pixels are in the seven passes of Adam7.
    """
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    chunks = [(b"IHDR", header), *before, (b"IDAT", pixel_data(samples, depth, interlaced)), *after, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def pixel_data(samples: NDArray[np.integer], depth: int = 8, interlaced: bool = False) -> bytes:
    """The content of an IDAT chunk: each row after a filter byte of 0, no filter."""
    passes = list(_passes(samples)) if interlaced else [samples]
    return zlib.compress(b"".join(b"\0" + _packed(row, depth) for part in passes for row in part))


def _passes(samples: NDArray[np.integer]) -> Iterator[NDArray[np.integer]]:
    for row, column, rows, columns in ADAM7:
        part = samples[row::rows, column::columns]
        if part.size:
            yield part


def _packed(row: NDArray[np.integer], depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    bits = (row.reshape(-1, 1) >> np.arange(depth)[::-1]) & 1
    return np.packbits(bits.astype(np.uint8)).tobytes()
