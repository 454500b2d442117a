"""JPEGs of the common kinds are read without Pillow's reader, and all others with it."""

import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from PIL import ExifTags, Image, JpegImagePlugin

from models.decoding import EncodedImage, ImageDecodeError
from models.decoding.common_jpeg import MAX_SEGMENTS, read_common_jpeg
from tests.models.test_simplejpeg import DRAWN, SOFT, encoded

CONTENT = encoded(SOFT)


def with_segments(count: int, content: bytes = b"") -> bytes:
    """With that many comments after the start."""
    return CONTENT[:2] + struct.pack(">BBH", 0xFF, 0xFE, 2 + len(content)) * count + content + CONTENT[2:]


def in_other_form(**options: object) -> Callable[[], bytes]:
    return lambda: encoded(SOFT, **options)


def with_orientation() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    return encoded(SOFT, exif=exif)


@pytest.fixture
def no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read by Pillow")

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "_open", refuse)


@pytest.mark.usefixtures("no_reader")
@pytest.mark.parametrize("image", [DRAWN, DRAWN.convert("L")])
def test_a_common_file_is_read_without_pillow(image: Image.Image) -> None:
    opened = EncodedImage(encoded(image))
    assert (opened.size, opened.is_sequential_jpeg, opened.warning) == ((203, 150), True, None)
    assert opened.can_reduce(28)
    assert not opened.can_reduce(38)  # 150 pixels are less than 4 x 38
    assert opened.decode("L", 28).shape == (1, 75, 102)
    assert EncodedImage(encoded(image)).decode("RGB").shape == (3, 150, 203)


def segments() -> int:
    """Those before the pixels of the file."""
    return next(count for count in range(MAX_SEGMENTS) if read_common_jpeg(with_segments(MAX_SEGMENTS - count)))


SPECIAL: dict[str, Callable[[], bytes]] = {
    "progressive": in_other_form(progressive=True),
    "an orientation": with_orientation,
    "a colour profile": in_other_form(icc_profile=b"none"),
    "colours that are stored as they are": in_other_form(keep_rgb=True),
    "no end": lambda: CONTENT[:-2],
    "a segment too many": lambda: with_segments(MAX_SEGMENTS - segments() + 1),
    "four colours": lambda: encoded(SOFT.convert("CMYK")),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_whatever_is_special_is_read_by_pillow(name: str) -> None:
    content = SPECIAL[name]()
    assert read_common_jpeg(content) is None
    shape = (203, 150) if name == "an orientation" else (150, 203)
    assert EncodedImage(content).decode("L").shape[1:] == shape


def test_a_file_that_exceeds_pillows_own_limit_is_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 150 * 203 // 2 - 1)
    with pytest.raises(Image.DecompressionBombError):
        EncodedImage(CONTENT)


def test_pixels_at_full_size_are_pillows_in_grey_and_colour() -> None:
    for mode in ("L", "RGB"):
        expected = np.asarray(Image.open(io.BytesIO(CONTENT)).convert(mode))
        found = EncodedImage(CONTENT).decode(mode)
        np.testing.assert_array_equal(found[0] if mode == "L" else found.transpose(1, 2, 0), expected)
        assert found.flags.c_contiguous
        assert found.flags.writeable


@pytest.mark.parametrize("length", [3, 20, 180, 400])
def test_a_file_that_is_cut_off_is_no_whole_image(length: int) -> None:
    with pytest.raises(ImageDecodeError, match=r"^is not a whole PNG, "):
        EncodedImage(CONTENT[:length] + b"\xff\xd9").decode("L")
