"""The table of accepted images in docs/formats.md: its cases, each a file with known shades.

``python -m tests.docs.accepted_images`` writes the table anew.
"""

import base64
import io
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.decoding.formats import supported_formats
from tests.models.handmade_png import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, handmade_png
from tests.models.handmade_tiff import ASCII, DOUBLE, SHORT, handmade_tiff

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
WIDTH = 16
RAMP = np.arange(WIDTH) * 17
"""The shades of nearly every case: from black to white."""
WHITE = np.full(WIDTH, 255)
NO_RANGE = "and the file does not define black and white"
AVIF_12_BITS = base64.b64decode(
    "AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAAOltZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAA"
    "AAABAAAAHmlsb2MAAAAARAAAAQABAAAAAQAAAQ0AAAA9AAAAKGlpbmYAAAAAAAEAAAAaaW5mZQIAAAAAAQAAYXYwMUNvbG9yAAAAAGhpcHJwAAAA"
    "SWlwY28AAAAUaXNwZQAAAAAAAAAQAAAAEAAAAA5waXhpAAAAAAEMAAAADGF2MUOBQHwAAAAAE2NvbHJuY2x4AAIAAgACgAAAABdpcG1hAAAAAAAA"
    "AAEAAQQBAoMEAAAARW1kYXQSAAoFWAz/+OoyMhAAbdZZImfLsEBzxO7E4dkKOINgt8n8hbDPzhrN8Xi9wjvD5cnUZcUJ28tC8GCfMd8Y"
)
"""A ramp of 12 bits, made by imagecodecs: Pillow writes 8 bits only."""


class Case(NamedTuple):
    """A file, and what becomes of it."""

    kind: str
    what: str
    content: bytes
    shades: NDArray[Any] = RAMP
    """Of its first row, in grey."""
    refused: str = ""
    """The beginning of the reason; empty: the file is read."""
    tolerance: int = 1
    warning: str = ""


def rows(low: float, high: float, kind: str = "u1", height: int = WIDTH) -> NDArray[Any]:
    return np.tile(np.linspace(low, high, WIDTH), (height, 1)).astype(kind)


BYTES, BITS = rows(0, 255), rows(0, 1, "f8").round().astype(np.int64)
GREY_IMAGE, COLOUR_IMAGE = Image.fromarray(BYTES), Image.fromarray(BYTES).convert("RGB")
STEPS = {depth: rows(0, 2**depth - 1, "i8") for depth in (2, 4, 8)}
HALVES = np.where(np.arange(WIDTH) < WIDTH / 2, 0, 255)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def colours(samples: NDArray[Any], bands: int = 3) -> NDArray[Any]:
    return np.stack([samples] * bands, 2)


def faded(image: Image.Image) -> Image.Image:
    """Black, and transparent from left to right."""
    alpha = Image.new("RGBA", image.size, (0, 0, 0, 255))
    alpha.putalpha(Image.fromarray(255 - BYTES))
    return alpha


def animated(kind: str, **options: Any) -> bytes:
    second = Image.new("RGB", COLOUR_IMAGE.size, "red")
    return saved(COLOUR_IMAGE, kind, save_all=True, append_images=[second], **options)


def png_cases() -> Iterator[Case]:
    quantized = {depth: np.rint(STEPS[depth][0] * 255 / (2**depth - 1)) for depth in STEPS}
    yield Case("PNG", "grey of 1 bit", handmade_png(BITS, GREY, 1), HALVES)
    for depth, steps in STEPS.items():
        yield Case("PNG", f"grey of {depth} bits", handmade_png(steps, GREY, depth), quantized[depth])
    yield Case("PNG", "grey of 16 bits", handmade_png(rows(0, 65535, "i8"), GREY, 16))
    twelve = handmade_png(rows(0, 4095, "i8"), GREY, 16)
    yield Case("PNG", "grey of 12 bits or fewer in 16", twelve, refused="uses 12 or fewer of its 16 bits")
    for depth in (8, 16):
        samples = rows(0, 2**depth - 1, "i8")
        opacity = (2**depth - 1) - samples
        yield Case("PNG", f"RGB of {depth} bits", handmade_png(colours(samples), RGB, depth))
        clear = handmade_png(np.stack([samples * 0, opacity], 2), GREY_ALPHA, depth)
        yield Case("PNG", f"grey of {depth} bits with alpha, composited on white", clear)
        clear = handmade_png(np.dstack([colours(samples * 0), opacity]), RGBA, depth)
        yield Case("PNG", f"RGB of {depth} bits with alpha, composited on white", clear)
    for depth in (1, 2, 4, 8):
        entries = (np.arange(2**depth) * 255 // (2**depth - 1)).astype(np.uint8)
        table = (b"PLTE", np.repeat(entries, 3).tobytes())
        steps = BITS if depth == 1 else STEPS[depth]
        yield Case(
            "PNG",
            f"palette of {depth} bit{'s' * (depth > 1)}",
            handmade_png(steps, PALETTE, depth, before=(table,)),
            entries[steps[0]],
        )
    clear = handmade_png(BITS * 255, GREY, before=((b"tRNS", struct.pack(">H", 0)),))
    yield Case("PNG", "a transparent shade, white", clear, WHITE)
    gamma = ((b"gAMA", struct.pack(">I", 100_000)), (b"cHRM", struct.pack(">8I", *range(10_000, 90_000, 10_000))))
    yield Case("PNG", "gamma, primaries and ICC profiles change nothing", handmade_png(STEPS[8], GREY, before=gamma))
    yield Case(
        "PNG", "significant bits (sBIT) change nothing", handmade_png(STEPS[8], GREY, before=((b"sBIT", b"\5"),))
    )
    yield Case("PNG", "animated: the first frame", animated("PNG"))
    whole = handmade_png(STEPS[8], GREY)
    yield Case("PNG", "without its end marker", whole[:-12], warning="The PNG lacks its end marker")
    yield Case("PNG", "cut off earlier", whole[:60], refused="is not a whole")


def other_cases() -> Iterator[Case]:
    for what, image, options in (
        ("grey", GREY_IMAGE, {}),
        ("RGB, stored as YCbCr", COLOUR_IMAGE, {}),
        ("progressive", COLOUR_IMAGE, {"progressive": True}),
        ("CMYK", COLOUR_IMAGE.convert("CMYK"), {}),
    ):
        yield Case("JPEG", what, saved(image, "JPEG", quality=95, **options), tolerance=6)
    whole = saved(GREY_IMAGE, "JPEG", quality=95)
    yield Case("JPEG", "without its end marker", whole[:-2], tolerance=6, warning="The JPEG lacks its end marker")
    yield Case("JPEG", "with missing pixels", whole[:-12], refused="is not a whole")
    for what, image in (("RGB", COLOUR_IMAGE), ("with alpha, composited on white", faded(GREY_IMAGE))):
        yield Case("WebP", f"{what}, lossy or lossless", saved(image, "WEBP", lossless=True, exact=True))
    yield Case("WebP", "animated: the first frame", animated("WEBP", lossless=True))
    yield Case("GIF", "palette", saved(GREY_IMAGE, "GIF"))
    yield Case(
        "GIF", "with a transparent entry, white", saved(GREY_IMAGE, "GIF", transparency=0), np.where(RAMP, RAMP, 255)
    )
    yield Case("GIF", "animated: the first frame", animated("GIF"))
    yield Case("BMP", "of 1 bit", saved(GREY_IMAGE.convert("1", dither=Image.Dither.NONE), "BMP"), HALVES)
    yield Case("BMP", "of 8 bits", saved(GREY_IMAGE, "BMP"))
    yield Case("BMP", "of 24 bits", saved(COLOUR_IMAGE, "BMP"))
    yield Case("AVIF", "of 8 bits", saved(COLOUR_IMAGE, "AVIF", quality=100), tolerance=3)
    yield Case("AVIF", "of 10 or 12 bits", AVIF_12_BITS)
    yield Case("AVIF", "with alpha, composited on white", saved(faded(GREY_IMAGE), "AVIF", quality=100), tolerance=3)
    yield Case("AVIF", "animated: the first image", animated("AVIF", quality=100), tolerance=3)
    yield Case("HEIC", "of 8 bits, with the extra `heic`", saved(COLOUR_IMAGE, "HEIF", quality=100), tolerance=4)
    yield Case("Netpbm", "PBM", saved(GREY_IMAGE.convert("1", dither=Image.Dither.NONE), "PPM"), HALVES)
    yield Case("Netpbm", "PGM and PPM of 8 bits", saved(COLOUR_IMAGE, "PPM"))
    yield Case("Netpbm", "PGM and PPM of 16 bits", b"P5 16 16 65535\n" + rows(0, 65535, ">u2").tobytes())
    yield Case(
        "Netpbm",
        "PGM and PPM of any other maximum",
        b"P6 16 16 1000\n" + colours(rows(0, 1000, "u2")).astype(">u2").tobytes(),
    )
    yield Case("Netpbm", "PFM, floats of 0 to 1", b"Pf\n16 16\n-1.0\n" + rows(0, 1, "<f4").tobytes())
    yield Case("Netpbm", "written as text", b"P2 2 1 9\n0 9\n", refused="is a Netpbm image written as text")
    for what, content in (
        ("JPEG 2000", saved(GREY_IMAGE, "JPEG2000")),
        ("TGA", saved(GREY_IMAGE, "TGA")),
        ("PDF", saved(GREY_IMAGE, "PDF")),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ):
        yield Case("Others", what, content, refused="is not a whole PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF")


def tiff_cases() -> Iterator[Case]:
    def declared(low: float, high: float) -> dict[int, Any]:
        return {340: (DOUBLE, [low]), 341: (DOUBLE, [high])}

    by_imagej = {270: (ASCII, b"ImageJ=1.54f\nmin=0.0\nmax=4095.0\n\0")}
    floats, twelve = rows(0, 1, "f4"), rows(0, 4095, "u2")
    bits = saved(GREY_IMAGE.convert("1", dither=Image.Dither.NONE), "TIFF", compression="group4")
    yield Case("TIFF", "grey of 1 bit", bits, HALVES)
    yield Case("TIFF", "grey of 8 bits", handmade_tiff(BYTES))
    yield Case("TIFF", "grey of 16 bits, either byte order", handmade_tiff(rows(0, 65535, "u2"), order=">"))
    yield Case("TIFF", "where white is zero", handmade_tiff(BYTES[:, ::-1], photometric=0))
    yield Case("TIFF", "12 bits in 16, SMaxSampleValue declared", handmade_tiff(twelve, tags=declared(0, 4095)))
    yield Case("TIFF", "12 bits in 16, MaxSampleValue declared", handmade_tiff(twelve, tags={281: (SHORT, [4095])}))
    yield Case("TIFF", "12 bits in 16, ImageJ's display range", handmade_tiff(twelve, tags=by_imagej))
    yield Case(
        "TIFF", "12 bits in 16, nothing declared", handmade_tiff(twelve), refused="uses 12 or fewer of its 16 bits"
    )
    yield Case("TIFF", "floats of 0 to 1", handmade_tiff(floats, compressed=True))
    yield Case("TIFF", "other floats, range declared", handmade_tiff(floats * 999, tags=declared(0, 999)))
    yield Case(
        "TIFF", "other floats, nothing declared", handmade_tiff(floats * 255), refused="holds floats, which are read"
    )
    yield Case(
        "TIFF",
        "NaN or infinity",
        handmade_tiff(floats * np.float32(np.nan)),
        refused="holds samples that are not finite",
    )
    for what, samples in (("8", "i1"), ("16", "i2"), ("32", "i4")):
        signed = rows(-100, 100, samples)
        yield Case(
            "TIFF", f"signed, {what} bits, range declared", handmade_tiff(signed, tags=declared(-100, 100)), tolerance=2
        )
        reason = f"holds signed integers of {what} bits from -100 to 100, {NO_RANGE}"
        yield Case("TIFF", f"signed, {what} bits, nothing declared", handmade_tiff(signed), refused=reason)
    unsigned = rows(0, 1e6, "u4")
    yield Case("TIFF", "32 bits, range declared", handmade_tiff(unsigned, tags=declared(0, 1e6)))
    reason = f"holds unsigned integers of 32 bits from 0 to 1e+06, {NO_RANGE}"
    yield Case("TIFF", "32 bits, nothing declared", handmade_tiff(unsigned), refused=reason)
    for kind, what in (("f2", "floats of 16"), ("f8", "floats of 64"), ("c8", "complex floats of 64")):
        content = handmade_tiff(rows(0, 1, kind))
        yield Case("TIFF", f"{what} bits", content, refused=f"is a TIFF of 1 {what} bits a pixel")
    yield Case("TIFF", "RGB of 8 bits", handmade_tiff(colours(BYTES), photometric=2))
    deep = colours(rows(0, 65535, "u2"))
    yield Case("TIFF", "RGB of 16 bits", handmade_tiff(deep, photometric=2))
    content = handmade_tiff(deep, photometric=2, tags=declared(0, 4095))
    yield Case(
        "TIFF", "RGB of 16 bits, another range declared", content, refused="declares the range 0 to 4095 for colours"
    )
    yield Case(
        "TIFF",
        "RGB of floats",
        handmade_tiff(colours(floats), photometric=2),
        refused="is a TIFF of 3 floats of 32 bits",
    )
    ink = np.dstack([255 - colours(BYTES), BYTES * 0])
    yield Case("TIFF", "CMYK", handmade_tiff(ink, photometric=5))
    yield Case("TIFF", "palette", saved(GREY_IMAGE.convert("P"), "TIFF"))
    yield Case("TIFF", "with alpha, composited on white", saved(faded(GREY_IMAGE), "TIFF"))
    for compression in ("packbits", "tiff_lzw", "tiff_deflate", "zstd", "jpeg"):
        content = saved(GREY_IMAGE, "TIFF", compression=compression)
        yield Case("TIFF", f"compressed by {compression.removeprefix('tiff_')}", content, tolerance=9)
    yield Case("TIFF", "of several pages: the first", animated("TIFF"))
    thumbnail = handmade_tiff(BYTES, tags={254: (SHORT, [1])})
    yield Case("TIFF", "raw files of cameras (DNG, NEF)", thumbnail, refused="is a TIFF with a thumbnail in front")


def cases() -> list[Case]:
    supported_formats()  # registers HEIC
    return [*png_cases(), *other_cases(), *tiff_cases()]


def table(given: Sequence[Case]) -> str:
    """The cases as Markdown, those of a format together."""
    order = ["PNG", "JPEG", "WebP", "GIF", "BMP", "TIFF", "AVIF", "HEIC", "Netpbm", "Others"]
    lines = ["| Format | Samples | Result |", "| --- | --- | --- |"]
    for case in sorted(given, key=lambda case: order.index(case.kind)):
        result = (
            f"*error:* `the file {case.refused} ...`"
            if case.refused
            else "read, with a warning"
            if case.warning
            else "read"
        )
        lines.append(f"| {case.kind} | {case.what} | {result} |")
    return "\n".join(lines) + "\n"


def with_table(page: str, given: Sequence[Case]) -> str:
    """The page with its table of images replaced."""
    return re.sub(r"\| Format \| Samples \| Result \|\n(\|.*\n)*", lambda _: table(given), page, count=1)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8"), cases()), encoding="utf-8")
