"""From the bytes of a picture file to pixels, the same for training and for serving. It needs no PyTorch.

Every picture comes out as a viewer would show it: turned upright as its EXIF block says, transparency on white, 16 bits
scaled to 8 by leaving out the lower 8, ink (CMYK) as red, green and blue, of several frames the first. What the numbers
mean as light, ICC profiles and gamma, is not looked at: the numbers in the file are the pixels.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageFile

FORMATS = ("PNG", "JPEG", "WEBP")

BROKEN = (OSError, ValueError, SyntaxError, EOFError)
"""What Pillow raises for files that are no picture, or no whole one."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What puts a picture upright, by its EXIF orientation."""


_SHADES = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies the shades of a grey PNG of 2 or 4 bits by, by its name of the format."""

SPARE = 4
"""How many times larger than needed a JPEG is decoded at least, where it need not be decoded in full."""


def pixels(picture: Image.Image, mode: str, needed: int | None = None) -> NDArray[np.uint8]:
    """Pixels of an opened picture.

    Args:
        picture: what ``PIL.Image.open`` returned.
        mode: ``"L"`` for grey, ``"RGB"`` for colour.
        needed: the longer side of what the picture is going to be resized to. A JPEG may then come out at a half, a
            quarter or an eighth of its size, at least ``SPARE`` times as large as needed, which takes a fraction of
            the time. None: the picture comes out in full.

    Returns:
        ``(channels, height, width)``.

    Raises:
        one of ``BROKEN``: the picture is broken.
    """
    if needed is not None:
        picture.draft(mode, (SPARE * needed, SPARE * needed))
    if "transparency" in picture.info:
        _scale_transparent_colour(picture)
    picture.load()
    turn = _orientation(picture)
    upright = picture.transpose(_TURNS[turn]) if turn in _TURNS else picture
    shown = _on_white(upright)
    values = np.array(shown if shown.mode == mode else shown.convert(mode), dtype=np.uint8)
    return values[None] if mode == "L" else np.ascontiguousarray(values.transpose(2, 0, 1))


def _scale_transparent_colour(picture: Image.Image) -> None:
    """Bring a PNG's transparent colour to 8 bits, as Pillow does with the pixels but not with this.

    In RGB of 16 bits, colours that share its upper 8 bits become transparent with it, as no more is left of them.
    """
    colour = picture.info["transparency"]
    stored = picture.tile[0].args if isinstance(picture, ImageFile.ImageFile) and picture.tile else None
    if stored in _SHADES:
        picture.info["transparency"] = colour * _SHADES[stored]
    elif stored == "RGB;16B":
        picture.info["transparency"] = tuple(value >> 8 for value in colour)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits a pixel; Pillow would clip instead of scaling
        shades = np.asarray(picture).astype(np.uint32)
        if "transparency" in picture.info:
            shades[shades == picture.info["transparency"]] = 0xFFFF
        return Image.fromarray((shades >> 8).astype(np.uint8))
    if not picture.has_transparency_data:
        return picture
    with_alpha = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", with_alpha.size, "white"), with_alpha)


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none or where the EXIF block is broken."""
    if not picture.info:  # nothing but pixels
        return 1
    try:
        return int(picture.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's reader raises whatever a broken block makes it stumble over
        return 1
