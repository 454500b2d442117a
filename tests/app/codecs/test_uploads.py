"""app.codecs.uploads.Upload against pixels that numpy or the image's author knows."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile

from app.codecs.uploads import Upload
from app.errors import TooLargeError, UnsupportedImageError
from tests.app.images import UNSUPPORTED_IMAGE, claimed_png, encode, exif_entry, exif_of, grey, noise, oriented, png

MANY = 1_000_000

pytestmark = pytest.mark.filterwarnings(r"ignore:::PIL\.")  # as the service does, see create_app


def pixels(content: bytes, mode: str = "L", max_pixels: int = MANY) -> NDArray[np.uint8]:
    return Upload(content, "File 0", max_pixels).decode(mode)


def test_grey_pixels_come_out_as_they_were_saved_with_one_channel_first() -> None:
    image = noise(3, 5)
    decoded = pixels(png(image))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, image[None])


@pytest.mark.parametrize("options", [{"kind": "PNG"}, {"kind": "WEBP", "lossless": True}])
def test_colours_come_out_as_they_were_saved_with_the_channels_first(options: dict[str, Any]) -> None:
    image = noise(3, 5, 3)
    decoded = pixels(encode(Image.fromarray(image), **options), "RGB")
    np.testing.assert_array_equal(decoded, image.transpose(2, 0, 1))
    assert decoded.flags.c_contiguous


def test_a_grey_image_gives_three_equal_channels_for_colour() -> None:
    image = noise(3, 5)
    np.testing.assert_array_equal(pixels(png(image), "RGB"), np.stack([image] * 3))


def test_colour_turns_grey_by_the_weights_of_itu_r_601() -> None:
    image = noise(3, 5, 3)
    expected = image @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(pixels(png(image))[0], expected, atol=1)


def test_a_palette_is_looked_up() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    np.testing.assert_array_equal(pixels(encode(image), "RGB"), [[[255, 0]], [[0, 0]], [[0, 255]]])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_counts_as_white(kind: str) -> None:
    black = np.zeros((1, 3, 4), np.uint8)
    black[0, :, 3] = 0, 255, 51  # opacity; 51 of 255 is a fifth
    content = encode(Image.fromarray(black), kind, **({"lossless": True, "exact": True} if kind == "WEBP" else {}))
    np.testing.assert_array_equal(pixels(content), [[[255, 0, 204]]])


def test_grey_with_alpha_and_a_transparent_palette_entry_count_as_white() -> None:
    assert pixels(encode(Image.new("LA", (1, 1), (0, 0)))).item() == 255
    palette = Image.new("P", (1, 1))
    palette.putpalette([0, 0, 0])
    assert pixels(encode(palette, transparency=0)).item() == 255


def test_16_bits_are_scaled_to_8_and_not_clipped() -> None:
    image = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    np.testing.assert_array_equal(pixels(png(image)), [[[0, 0, 1, 128, 255]]])


def test_one_bit_is_black_or_white() -> None:
    np.testing.assert_array_equal(pixels(png(np.array([[True, False]]))), [[[255, 0]]])


def test_a_cmyk_jpeg_gives_its_colours() -> None:
    cyan = encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", quality=100)
    np.testing.assert_allclose(pixels(cyan, "RGB").mean((1, 2)), [0, 255, 255], atol=3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, np.fliplr),
        (3, lambda stored: np.rot90(stored, 2)),
        (4, np.flipud),
        (5, np.transpose),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: np.rot90(stored.T, 2)),
        (8, np.rot90),
    ],
)
def test_an_image_is_turned_by_its_exif_orientation(kind: str, orientation: int, upright: Any) -> None:
    stored = np.kron(np.array([[0, 90, 180], [60, 120, 240]], np.uint8), np.ones((16, 16), np.uint8))
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100}}.get(kind, {})
    content = oriented(Image.fromarray(stored), orientation, kind, **options)
    np.testing.assert_allclose(pixels(content)[0], upright(stored), atol=2)


MAKE, RESOLUTION, UNIT, BEYOND = 0x010F, 0x011A, 0x0128, b"\xff\xff\xff\x7f"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize(
    "entry",
    [
        exif_entry(MAKE, 2, 4, b"ab\0\0"),
        exif_entry(MAKE, 11, 1, b"\0\0\0\0"),
        exif_entry(MAKE, 2, 100, BEYOND),
        exif_entry(MAKE, 99, 1, b"\0\0\0\0"),
        exif_entry(RESOLUTION, 2, 4, b"abc\0"),
        exif_entry(UNIT, 7, 4, b"abcd"),
    ],
    ids=["sound", "make-is-a-number", "make-lies-beyond", "unknown-kind", "resolution-is-text", "unit-is-undefined"],
)
def test_an_odd_exif_entry_keeps_no_image_from_being_decoded_and_turned(kind: str, entry: bytes) -> None:
    content = encode(Image.new("L", (6, 4), 9), kind, exif=exif_of(entry))
    assert pixels(content).shape == (1, 6, 4)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_image_is_refused(kind: str, share: float) -> None:
    content = encode(Image.fromarray(noise(40, 40)), kind)
    with pytest.raises(UnsupportedImageError, match=re.escape(UNSUPPORTED_IMAGE.format("File 0"))):
        pixels(content[: int(len(content) * share)])


@pytest.mark.parametrize("kind", ["ICO", "PCX", "TGA", "JPEG2000", "PDF", "EPS"])
def test_an_image_of_another_format_is_refused(kind: str) -> None:
    with pytest.raises(UnsupportedImageError, match=re.escape(UNSUPPORTED_IMAGE.format("File 0"))):
        pixels(grey(7, kind=kind))


@pytest.mark.parametrize("size", [(1001, 1000), (12_000, 12_000), (50_000, 50_000)])
def test_a_header_that_claims_too_many_pixels_is_refused_and_nothing_is_decoded(
    monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("the image was decoded"))
    with pytest.raises(TooLargeError, match=r"File 0 .* pixels; at most 1000000 are taken, so make it smaller\."):
        pixels(claimed_png(*size))


def test_the_pixel_limit_itself_is_taken() -> None:
    assert pixels(grey(0, 10, 10), max_pixels=100).shape == (1, 10, 10)
    message = "File 0 is 10 x 11 = 110 pixels; at most 100 are taken, so make it smaller."
    with pytest.raises(TooLargeError, match=re.escape(message)):
        pixels(grey(0, 11, 10), max_pixels=100)


def test_the_number_of_pixels_is_known_before_anything_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("the image was decoded"))
    assert Upload(claimed_png(1000, 999), "File 0", MANY).pixels == 999_000


@pytest.mark.slow
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "WEBP"]))
@settings(max_examples=100, deadline=None)
def test_whatever_bytes_are_changed_an_image_is_decoded_or_refused(data: st.DataObject, kind: str) -> None:
    entries = [exif_entry(MAKE, 2, 4, b"ab\0\0"), exif_entry(UNIT, 3, 1, b"\2\0"), exif_entry(RESOLUTION, 4, 1, b"\7")]
    content = bytearray(encode(Image.fromarray(noise(12, 9)), kind, exif=exif_of(*entries)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        assert pixels(bytes(content)).ndim == 3
    except (UnsupportedImageError, TooLargeError):
        return
