"""Grey samples of more than 8 bits, or signed ones, scaled to 8 bits by the range that the file defines.

The range is what the file declares (``declared_range``). Without that, unsigned samples of up to 16 bits have the range
of their bits, if they use it, floats that of 0 to 1, and others are rejected: a range taken from the samples
themselves would scale every image differently, and so hide what distinguishes them.
"""

import re
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from ..arrays import ByteArray
from .formats import ImageDecodeError
from .tiff import BITS_PER_SAMPLE, SAMPLE_FORMAT

PHOTOMETRIC, DESCRIPTION = 262, 270
RANGE_TAGS = ((340, 341), (280, 281))
"""SMinSampleValue and SMaxSampleValue, MinSampleValue and MaxSampleValue."""
IMAGEJ_RANGE = re.compile(r"\AImageJ=.*?^min=([^\s]+)$.*?^max=([^\s]+)$", re.DOTALL | re.MULTILINE)
"""The range in which ImageJ displays an image, in the description of its files."""
MAX_DESCRIPTION = 4000
"""Characters of a description in which that range is looked for."""
SIGNED = 2
FLOAT_TOLERANCE = 1e-3
"""How far floats may exceed 0 to 1, by rounding."""
MAX_OF_12_BITS = 4095
"""Images of 16 bits without a brighter sample come from cameras of 12 bits or fewer, and would be nearly black."""
ONLY_12_BITS = (
    "uses 12 or fewer of its 16 bits, and the file does not define white",
    "save it as 8 bits, scale it to 16, or store SMaxSampleValue",
)
BLOCK_SAMPLES = 2**20


class SampleRange(NamedTuple):
    """The samples of black and of white."""

    black: float
    white: float


def is_deep(image: Image.Image) -> bool:
    """Whether the samples of an image are not bytes of 0 to 255."""
    return image.mode[0] in "IF" or (image.format == "TIFF" and _sample_format(image) == SIGNED)


def raw_mode(image: Image.Image) -> str:
    """Pillow's name of the samples in the file, before they are loaded; empty where it has none."""
    if not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return ""
    arguments = image.tile[0].args
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def has_16_bit_colours(image: Image.Image) -> bool:
    """Whether an image that is not loaded has colours of 16 bits, of which Pillow will load the upper 8."""
    return image.mode in ("RGB", "RGBA", "LA") and ";16" in raw_mode(image)


def check_16_bit_colours(image: Image.Image) -> None:
    """Check that the colours of a loaded image use all 16 bits that they had.

    Raises:
        ImageDecodeError: the file declares another range, or they use 12 bits at most.
    """
    declared = declared_range(image)
    if declared not in (None, SampleRange(0.0, 65535.0)):
        assert declared is not None
        raise ImageDecodeError(
            f"declares the range {declared.black:g} to {declared.white:g} for colours of 16 bits, and only grey is "
            f"taken with such a range",
            "save it as 8 bits",
        )
    colours = np.asarray(image)[..., : 1 if image.mode == "LA" else 3]
    if declared is None and 0 < colours.max() <= MAX_OF_12_BITS >> 8:
        raise ImageDecodeError(*ONLY_12_BITS)


def scale_to_bytes(image: Image.Image) -> Image.Image:
    """A loaded image with deep samples, in 8 bits: what is black becomes 0, what is white 255.

    Raises:
        ImageDecodeError: the file does not define the range, or has samples that are not finite.
    """
    samples = _samples(image)
    black, white = _range(image, samples)
    shades = np.empty(samples.shape, np.uint8)
    step = max(1, BLOCK_SAMPLES // max(1, samples.shape[1]))
    whole = samples.dtype.kind in "iu" and black.is_integer() and white.is_integer()
    for start in range(0, len(samples), step):
        shades[start : start + step] = _scaled(samples[start : start + step], black, white, whole)
    if _tag(image, PHOTOMETRIC) == 0:  # white is zero
        shades = 255 - shades
    if image.format == "PNG" and "transparency" in image.info:
        shades[samples == image.info["transparency"]] = 255
    return Image.fromarray(shades)


def declared_range(image: Image.Image) -> SampleRange | None:
    """The range that a TIFF declares, by its tags or in ImageJ's description; None where it declares no usable one."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return None
    for black, white in RANGE_TAGS:
        if white in tags:
            return _usable(_tag(image, black) or 0, _tag(image, white))
    found = IMAGEJ_RANGE.search(str(tags.get(DESCRIPTION, ""))[:MAX_DESCRIPTION])
    return _usable(*found.groups()) if found else None


def _usable(black: object, white: object) -> SampleRange | None:
    try:
        found = SampleRange(float(black), float(white))  # type: ignore[arg-type]
    except (TypeError, ValueError, ArithmeticError):
        return None
    return found if np.isfinite(found).all() and found.black < found.white else None


def _range(image: Image.Image, samples: NDArray[np.generic]) -> SampleRange:
    lowest, highest = float(samples.min()), float(samples.max())
    if not np.isfinite((lowest, highest)).all():
        raise ImageDecodeError("holds samples that are not finite", "replace them, or save it as 8 or 16 bits")
    declared = declared_range(image)
    if declared is not None:
        return declared
    if image.mode.startswith("I;") or (image.mode == "I" and image.format in ("PPM", "PNG")):
        return _range_of_bits(image, samples, highest)
    if image.mode == "F" and lowest >= -FLOAT_TOLERANCE and highest <= 1 + FLOAT_TOLERANCE:
        return SampleRange(0.0, 1.0)
    raise ImageDecodeError(
        f"holds {_kind(image)} from {lowest:g} to {highest:g}, and the file does not define black and white",
        "save it as 8 or 16 bits, or store SMinSampleValue and SMaxSampleValue",
    )


def _range_of_bits(image: Image.Image, samples: NDArray[np.generic], highest: float) -> SampleRange:
    bits = _bits(image)
    if bits == 16 and highest <= MAX_OF_12_BITS:
        shown = samples[samples != image.info.get("transparency", 0)]
        if shown.any():
            raise ImageDecodeError(*ONLY_12_BITS)
    return SampleRange(0.0, 2.0**bits - 1)


def _kind(image: Image.Image) -> str:
    if image.mode == "F":
        return "floats, which are read as 0 to 1,"
    sign = "signed" if _sample_format(image) == SIGNED else "unsigned"
    return f"{sign} integers of {_bits(image, 32)} bits"


def _scaled(samples: NDArray[np.generic], black: float, white: float, whole: bool) -> ByteArray:
    """Integers lose their lower bits, as in 16 bits that become 8; others are rounded."""
    if samples.dtype == np.uint16 and (black, white) == (0, 0xFFFF):
        return (samples.astype(np.uint16) >> 8).astype(np.uint8)
    offset = samples.astype(np.float64) - black
    shares = np.floor(offset * 256 / (white - black + 1)) if whole else np.round(offset * 255 / (white - black))
    return shares.clip(0, 255).astype(np.uint8)


def _samples(image: Image.Image) -> NDArray[np.generic]:
    samples = np.asarray(image)
    if image.mode == "L":
        return samples.view(np.int8)
    if samples.dtype == np.int32 and _sample_format(image) != SIGNED:
        return samples.view(np.uint32)
    return samples.astype(np.uint16) if samples.dtype == np.dtype(">u2") else samples


def _sample_format(image: Image.Image) -> object:
    return _tag(image, SAMPLE_FORMAT)


def _bits(image: Image.Image, missing: int = 16) -> int:
    bits = _tag(image, BITS_PER_SAMPLE)
    return bits if isinstance(bits, int) else missing


def _tag(image: Image.Image, tag: int) -> object:
    """The first value of a tag of a TIFF; None where the image has no such tag."""
    tags = getattr(image, "tag_v2", None)
    value = None if tags is None else tags.get(tag)
    return value[0] if isinstance(value, tuple) and value else value
