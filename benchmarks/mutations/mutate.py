"""Random changes of the bytes of a file, reproducible from a seed."""

import random
import struct
import zlib
from collections.abc import Callable

Mutation = Callable[[bytearray, random.Random], None]

HEADER_BYTES = 120
MAX_BLOCK = 64
EDGES = (0x00, 0x01, 0x7F, 0x80, 0xFF)
"""Bytes at which lengths and signs change."""


def mutated(content: bytes, seed: str) -> bytes:
    """A file with one to four changes, the same for the same seed."""
    draw, changed = random.Random(seed), bytearray(content)
    for _ in range(draw.choice((1, 1, 1, 2, 2, 4))):
        draw.choice(MUTATIONS)(changed, draw)
    return _with_sums(bytes(changed)) if draw.random() < 0.7 else bytes(changed)


def _with_sums(content: bytes) -> bytes:
    """A PNG with the sums that its chunks should have, without which most changes end there; others as they are."""
    if not content.startswith(b"\x89PNG"):
        return content
    result, place = bytearray(content), 8
    while place + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, place)
        end = place + 8 + length
        if end + 4 > len(content):
            break
        result[end : end + 4] = struct.pack(">I", zlib.crc32(content[place + 4 : end]))
        place = end + 4
    return bytes(result)


def _flip_bytes(content: bytearray, draw: random.Random) -> None:
    for _ in range(draw.randint(1, 8)):
        if content:
            content[draw.randrange(len(content))] = draw.randrange(256)


def _flip_bit(content: bytearray, draw: random.Random) -> None:
    if content:
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)


def _set_header_field(content: bytearray, draw: random.Random) -> None:
    start, length = draw.randrange(min(HEADER_BYTES, len(content)) or 1), draw.choice((1, 2, 4))
    content[start : start + length] = bytes(draw.choice(EDGES) for _ in range(length))


def _delete(content: bytearray, draw: random.Random) -> None:
    start, end = _block(content, draw)
    del content[start:end]


def _insert(content: bytearray, draw: random.Random) -> None:
    place, _ = _block(content, draw)
    content[place:place] = draw.randbytes(draw.randint(1, MAX_BLOCK))


def _duplicate(content: bytearray, draw: random.Random) -> None:
    start, end = _block(content, draw)
    content[end:end] = content[start:end] * draw.choice((1, 1, 20))


def _zero(content: bytearray, draw: random.Random) -> None:
    start, end = _block(content, draw)
    content[start:end] = bytes(end - start)


def _swap(content: bytearray, draw: random.Random) -> None:
    (a, b), (c, d) = sorted((_block(content, draw), _block(content, draw)))
    if b <= c:
        content[a:d] = content[c:d] + content[b:c] + content[a:b]


def _truncate(content: bytearray, draw: random.Random) -> None:
    del content[draw.randrange(len(content) + 1) :]


def _block(content: bytearray, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(content) + 1)
    return start, min(len(content), start + draw.randint(1, MAX_BLOCK))


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bytes,
    _flip_bit,
    _set_header_field,
    _delete,
    _insert,
    _duplicate,
    _zero,
    _swap,
    _truncate,
)
