"""The pixels of an opened image, as a viewer displays them."""

import numpy as np
from PIL import ExifTags, Image, ImageCms

from ..arrays import ByteArray
from .jpeg import load_jpeg
from .netpbm import load_netpbm
from .samples import check_16_bit_colours, has_16_bit_colours, is_deep, raw_mode, scale_to_bytes
from .tiff import correct_byte_order

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

OVERSAMPLING = 2
"""Minimum oversampling of a JPEG that is decoded at a reduced size."""


def decode_pixels(image: Image.Image, mode: str, needed: int | None = None) -> ByteArray:
    """Decode an opened image.

    Args:
        image: as returned by ``PIL.Image.open``.
        mode: ``"L"`` for grey, ``"RGB"`` for colour.
        needed: the longer side of the size that the image will be resized to. A JPEG may then be decoded at a half, a
            quarter or an eighth of its size, but at least ``OVERSAMPLING`` times the needed size, in a fraction of
            the time, and its pixels, once resized, are only nearly those of the full size. None: full size.

    Returns:
        ``(channels, height, width)``.

    Raises:
        ImageDecodeError: the file does not define which samples are black and white.
        Exception: of any kind, by Pillow, where the file is truncated or corrupt.
    """
    if needed is not None:
        image.draft(mode, (OVERSAMPLING * needed, OVERSAMPLING * needed))
    if "transparency" in image.info:
        _scale_transparent_colour(image)
    if image.format == "JPEG":
        load_jpeg(image)
    if image.format == "PPM":
        load_netpbm(image)
    if image.format == "TIFF":
        correct_byte_order(image)
    of_16_bits = has_16_bit_colours(image)
    image.load()
    if of_16_bits:
        check_16_bit_colours(image)
    orientation = _orientation(image)
    flat = _eight_bits(image)
    upright = flat.transpose(_TRANSPOSITIONS[orientation]) if orientation in _TRANSPOSITIONS else flat
    opaque = _composited_on_white(upright)
    values = np.array(opaque if opaque.mode == mode else opaque.convert(mode), dtype=np.uint8)
    return values[None] if mode == "L" else np.ascontiguousarray(values.transpose(2, 0, 1))


def _scale_transparent_colour(image: Image.Image) -> None:
    """Scale a PNG's transparent colour to 8 bits, as Pillow scales the pixels but not the tRNS chunk.

    In 16-bit RGB, all colours with the same upper 8 bits become transparent, as only those bits remain.
    """
    colour, stored = image.info["transparency"], raw_mode(image)
    if stored in _SHADES:
        image.info["transparency"] = colour * _SHADES[stored]
    elif stored == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in colour)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image in grey, colours, a palette or CMYK of 8 bits, transparency kept."""
    if is_deep(image):
        return scale_to_bytes(image)
    if image.mode == "La":  # premultiplied
        return image.convert("LA")
    if image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
        assert converted is not None
        return converted
    return image


def _composited_on_white(image: Image.Image) -> Image.Image:
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
