"""IDX files, MNIST's format: a magic number, the sizes, then one byte a value."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from models.arrays import ByteArray
from training.errors import InputError

UNSIGNED_BYTES = 0x08
"""The magic number is this type's code in the third byte and the number of dimensions in the fourth."""


def unpacked(path: Path) -> bytes:
    """The bytes of a file, or of its gzipped twin ``path.gz`` where the file itself is not there.

    Raises:
        FileNotFoundError: there is neither.
        InputError: the twin is not a valid gzip file.
    """
    twin = path.with_name(f"{path.name}.gz")
    if path.exists() or not twin.exists():
        return path.read_bytes()
    try:
        return gzip.decompress(twin.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{twin} is not a valid gzip file ({str(error).rstrip('.')}); get it again.") from error


def read_idx(path: Path, dimensions: int) -> ByteArray:
    """Read an IDX file of bytes, gzipped or not.

    Args:
        path: the file, without ``.gz``.
        dimensions: how many the file must have: 3 for images, 1 for labels.

    Shape:
        result: as in the file's header; writable, since PyTorch warns of arrays that are not.

    Raises:
        FileNotFoundError: neither ``path`` nor ``path.gz`` is there.
        InputError: another magic number, or fewer or more bytes than the header promises.
    """
    content = unpacked(path)
    magic, expected = int.from_bytes(content[:4], "big"), UNSIGNED_BYTES << 8 | dimensions
    if magic != expected:
        raise InputError(
            f"{path} starts with {magic:#010x}, IDX bytes of {dimensions} dimensions with {expected:#010x}; "
            f"it is another file under this name, so get it again."
        )
    start = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4))
    if len(content) != start + math.prod(shape):
        sizes = " x ".join(map(str, shape))
        raise InputError(
            f"{path} holds {len(content):,} bytes, its header of {sizes} promises {start + math.prod(shape):,}; "
            f"get it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
