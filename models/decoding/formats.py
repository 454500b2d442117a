"""The formats that training and serving read. The content decides which one a file has, not its name."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from PIL import AvifImagePlugin

NAMES = {
    "PNG": "PNG",
    "JPEG": "JPEG",
    "WEBP": "WebP",
    "GIF": "GIF",
    "BMP": "BMP",
    "TIFF": "TIFF",
    "AVIF": "AVIF",
    "PPM": "Netpbm",
}
"""Pillow's names of the formats, and those in messages. No other decoder of Pillow sees a file."""

FORMATS = tuple(NAMES)
"""Formats that need no extra."""

HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of HEIC, at byte 8 of its files."""


class ImageDecodeError(ValueError):
    """A file cannot be decoded.

    Args:
        problem: a predicate, to follow the file's name: "is not a whole PNG, ... image".
        repair: what to do about it: "convert or replace it".
    """

    def __init__(self, problem: str, repair: str) -> None:
        super().__init__(f"{problem}; {repair}")
        self.problem, self.repair = problem, repair


@cache
def supported_formats() -> tuple[str, ...]:
    """``FORMATS``, and HEIF where the extra ``heic`` is installed.

    Their decoders are set to one thread each, as several images are decoded at the same time.
    """
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if find_spec("pillow_heif") is None:
        return FORMATS
    import_module("pillow_heif").register_heif_opener(decode_threads=1)
    return (*FORMATS, "HEIF")


def format_names() -> str:
    """The supported formats, for messages."""
    names = [NAMES.get(name, "HEIC") for name in supported_formats()]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def not_an_image(content: bytes) -> ImageDecodeError:
    """The error of a file that is of no supported format, or is truncated or corrupt."""
    if content[4:8] == b"ftyp" and content[8:12] in HEIC_BRANDS and "HEIF" not in supported_formats():
        return ImageDecodeError(
            "is a HEIC image, which needs pillow-heif", "pip install 'nalu-serve[heic]', or convert it to PNG or JPEG"
        )
    return ImageDecodeError(f"is not a whole {format_names()} image", "convert or replace it")
