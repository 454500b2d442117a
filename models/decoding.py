"""Decodes image files to pixels, identically in training and serving. It needs no PyTorch.

Images are decoded as a viewer displays them: rotated by their EXIF orientation, transparency composited on white, 16
bits scaled to 8 by dropping the lower 8, CMYK converted to RGB, the first of several frames. Colour management is not
applied: ICC profiles and gamma do not change the values.
"""

import numpy as np
from PIL import ExifTags, Image, ImageFile

from models.arrays import ByteArray

FORMATS = ("PNG", "JPEG", "WEBP")

DECODE_ERRORS = (OSError, ValueError, SyntaxError, EOFError)
"""Exceptions that Pillow raises for files that are not images, or are truncated or corrupt."""

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that undoes each EXIF orientation."""

_SHADES = {"L;2": 85, "L;4": 17}
"""Factor by which Pillow scales a grey PNG of 2 or 4 bits to 8, by its raw mode."""

OVERSAMPLING = 4
"""Minimum oversampling of a JPEG that is decoded at a reduced size."""


def decode_pixels(image: Image.Image, mode: str, needed: int | None = None) -> ByteArray:
    """Decode an opened image.

    Args:
        image: as returned by ``PIL.Image.open``.
        mode: ``"L"`` for grey, ``"RGB"`` for colour.
        needed: the longer side of the size that the image will be resized to. A JPEG may then be decoded at a half, a
            quarter or an eighth of its size, but at least ``OVERSAMPLING`` times the needed size, in a fraction of
            the time. None: full size.

    Returns:
        ``(channels, height, width)``.

    Raises:
        one of ``DECODE_ERRORS``: the file is corrupt.
    """
    if needed is not None:
        image.draft(mode, (OVERSAMPLING * needed, OVERSAMPLING * needed))
    if "transparency" in image.info:
        _scale_transparent_colour(image)
    image.load()
    orientation = _orientation(image)
    upright = image.transpose(_TRANSPOSITIONS[orientation]) if orientation in _TRANSPOSITIONS else image
    opaque = _composited_on_white(upright)
    values = np.array(opaque if opaque.mode == mode else opaque.convert(mode), dtype=np.uint8)
    return values[None] if mode == "L" else np.ascontiguousarray(values.transpose(2, 0, 1))


def _scale_transparent_colour(image: Image.Image) -> None:
    """Scale a PNG's transparent colour to 8 bits, as Pillow scales the pixels but not the tRNS chunk.

    In 16-bit RGB, all colours with the same upper 8 bits become transparent, as only those bits remain.
    """
    colour = image.info["transparency"]
    stored = image.tile[0].args if isinstance(image, ImageFile.ImageFile) and image.tile else None
    if stored in _SHADES:
        image.info["transparency"] = colour * _SHADES[stored]
    elif stored == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in colour)


def _composited_on_white(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits per pixel; Pillow would clip instead of scaling
        shades = np.asarray(image).astype(np.uint32)
        if "transparency" in image.info:
            shades[shades == image.info["transparency"]] = 0xFFFF
        return Image.fromarray((shades >> 8).astype(np.uint8))
    if not image.has_transparency_data:
        return image
    with_alpha = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", with_alpha.size, "white"), with_alpha)


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where it is missing or the EXIF block is corrupt."""
    if not image.info:  # no metadata
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's EXIF reader raises all kinds of exceptions on corrupt blocks
        return 1
