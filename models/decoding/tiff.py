"""What is particular to TIFF: sizes that a header declares, and samples of many kinds."""

import ctypes
import io
import logging
import struct
from collections.abc import Iterator
from functools import cache

from PIL import Image, TiffImagePlugin, _imaging

from .formats import ImageDecodeError
from .limits import is_far_larger

MAX_STRIPS = 20_000
"""Most strips or tiles, each an object in memory."""
MAX_TAGS = 1000
"""Most tags of a directory; files of today have some dozens."""

NEW_SUBFILE_TYPE, BITS_PER_SAMPLE, STRIP_OFFSETS, PLANAR_CONFIGURATION, SAMPLE_FORMAT = 254, 258, 273, 284, 339
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS = 322, 323, 324
KINDS = {1: "unsigned integers", 2: "signed integers", 3: "floats", 5: "complex integers", 6: "complex floats"}
"""By SampleFormat."""
_LAYOUTS = {b"II*\0": "<HHLL", b"MM\0*": ">HHLL", b"II+\0": "<HHQQ", b"MM\0+": ">HHQQ"}
"""By the first bytes of a file: the layout of its entries."""
_NATIVE_ORDER = {"I;16BS": "I;16NS", "I;32BS": "I;32NS", "F;32BF": "F;32NF"}
"""Pillow's raw modes that libtiff has brought into this machine's order already."""


@cache
def silence() -> None:
    """Keep libtiff from printing the faults of files on stderr, and Pillow from logging them. They raise exceptions."""
    logging.getLogger(TiffImagePlugin.__name__).setLevel(logging.CRITICAL)
    library = ctypes.CDLL(_imaging.__file__)
    for setter in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if hasattr(library, setter):  # not where Pillow hides the symbols of its libraries
            getattr(library, setter)(None)


def correct_byte_order(image: Image.Image) -> None:
    """Have the samples of a compressed big-endian file, signed or of 32 bits, swapped once; Pillow swaps them twice."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.tile and image.tile[0].codec_name == "libtiff":
        tile = image.tile[0]
        assert isinstance(tile.args, tuple)
        raw_mode, *others = tile.args
        image.tile = [tile._replace(args=(_NATIVE_ORDER.get(str(raw_mode), raw_mode), *others))]


def check_strips(content: bytes) -> None:
    """Check a file before it is opened, if it is a TIFF.

    Raises:
        ImageDecodeError: it has more strips, tiles or tags than the limit.
        struct.error: it is truncated.
    """
    for tag, count in _counts(content) if content[:4] in _LAYOUTS else ():
        if tag in (STRIP_OFFSETS, TILE_OFFSETS) and count > MAX_STRIPS:
            raise ImageDecodeError(
                f"is a TIFF of {count} strips or tiles, and at most {MAX_STRIPS} are taken", "save it in fewer"
            )


def _counts(content: bytes) -> Iterator[tuple[int, int]]:
    """Tag and number of values of each entry of the first directory."""
    layout = _LAYOUTS[content[:4]]
    offset, number = layout[0] + layout[-1], layout[0] + ("H" if layout.endswith("L") else "Q")
    (place,) = struct.unpack_from(offset, content, struct.calcsize(offset))
    (entries,) = struct.unpack_from(number, content, place)
    if entries > MAX_TAGS:
        raise ImageDecodeError(f"is a TIFF of {entries} tags, and at most {MAX_TAGS} are taken", "save it with fewer")
    first, size = place + struct.calcsize(number), struct.calcsize(layout)
    for start in range(first, first + entries * size, size):
        tag, _, count, _ = struct.unpack_from(layout, content, start)
        yield tag, count


def check_layout(image: Image.Image) -> None:
    """Check the layout of an opened image, if it is a TIFF.

    Raises:
        ImageDecodeError: its tiles are far larger than the image, and each would take memory for all of its pixels;
            or it stores colours of 16 bits in a plane each, which Pillow misreads unless they are compressed; or its
            first image is a thumbnail.
    """
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    tags = image.tag_v2
    if tags.get(NEW_SUBFILE_TYPE, 0) & 1:
        raise ImageDecodeError(
            "is a TIFF with a thumbnail in front, as raw files of cameras are", "convert it to JPEG, PNG or plain TIFF"
        )
    width, height = tags.get(TILE_WIDTH, 0), tags.get(TILE_LENGTH, 0)
    if is_far_larger(width, height, *image.size):
        raise ImageDecodeError(
            f"is a TIFF of {image.width} x {image.height} pixels in tiles of {width} x {height}",
            "save it in smaller tiles",
        )
    if tags.get(PLANAR_CONFIGURATION) == 2 and len(image.tile) > 1 and 16 in tags.get(BITS_PER_SAMPLE, ()):
        raise ImageDecodeError("is a TIFF with a plane of 16 bits for each colour", "save its colours together")


def unsupported_samples(content: bytes) -> ImageDecodeError | None:
    """The error of a TIFF that cannot be opened, by its kind of samples; None where that cannot be read."""
    if content[:4] not in _LAYOUTS:
        return None
    file = io.BytesIO(content)
    header = file.read(8)
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(header + (file.read(8) if header[2] == 43 else b""))
        file.seek(tags.next)
        tags.load(file)
        bits, kinds = tags[BITS_PER_SAMPLE], tags.get(SAMPLE_FORMAT, (1,))
        samples = max(len(bits), int(tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)))
        kind = KINDS.get(kinds[0], "values of an unknown kind")
    except Exception:  # Pillow raises all kinds of exceptions on corrupt files
        return None
    return ImageDecodeError(
        f"is a TIFF of {samples} {kind} of {bits[0]} bits a pixel, or is corrupt",
        "save it as 8 or 16 bits, grey or RGB",
    )
