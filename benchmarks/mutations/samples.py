"""Small valid files of each format, with the features that decoders have code for."""

import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from models.arrays import ByteArray

HEIGHT, WIDTH = 40, 48


@cache
def samples() -> dict[str, list[bytes]]:
    """By format: its files."""
    colour = Image.fromarray(_photo())
    grey, palette, alpha = colour.convert("L"), colour.quantize(16), _with_alpha(colour)
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    floats = Image.fromarray(np.asarray(grey).astype(np.float32) / 255)
    cmyk, frames = colour.convert("CMYK"), {"save_all": True, "append_images": [colour.rotate(90)]}
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    tiff = [(grey, {}), (colour, {"compression": "tiff_lzw"}), (deep, {"compression": "tiff_deflate"}), (floats, {})]
    tiff += [(colour, {"compression": "jpeg"}), (alpha, {"exif": exif}), (palette, {"compression": "packbits"})]
    tiff += [(colour, frames), (grey.convert("1"), {"compression": "group4"}), (colour.convert("LAB"), {})]
    options: dict[str, list[tuple[Image.Image, dict[str, Any]]]] = {
        "PNG": [(image, {"exif": exif}) for image in (grey, colour, palette, alpha, deep, grey.convert("1"))],
        "JPEG": [(grey, {}), (colour, {"exif": exif}), (colour, {"progressive": True}), (cmyk, {})],
        "WebP": [(colour, {"exif": exif}), (alpha, {"lossless": True}), (colour, frames)],
        "TIFF": tiff,
        "GIF": [(palette, {}), (grey, {"interlace": 0}), (alpha, {}), (colour, frames)],
        "AVIF": [(colour, {"exif": exif}), (alpha, {}), (colour, frames)],
    }
    options["JPEG"].append((colour, {"restart_marker_blocks": 3}))
    return {kind: [_saved(image, kind.upper(), **given) for image, given in files] for kind, files in options.items()}


def _photo() -> ByteArray:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [127 + 100 * np.sin(rows / period) * np.cos(columns / 7) for period in (5, 9, 13)]
    return np.stack(waves, 2).astype(np.uint8)


def _with_alpha(colour: Image.Image) -> Image.Image:
    alpha = colour.convert("RGBA")
    alpha.putalpha(colour.convert("L"))
    return alpha


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()
