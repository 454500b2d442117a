"""JPEGs that simplejpeg decodes have the pixels that Pillow gives, and those that it does not are left to Pillow."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageFilter, JpegImagePlugin

from models.arrays import ByteArray
from models.decoding import EncodedImage, ImageDecodeError, decode, encoded_image

DRAWN = Image.fromarray(np.random.default_rng(0).integers(0, 256, (150, 203, 3), np.uint8))
SOFT = DRAWN.filter(ImageFilter.GaussianBlur(3))


def encoded(image: Image.Image, **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", **options)
    return content.getvalue()


def oriented(turn: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    return exif.tobytes()


def by_pillow(content: bytes, mode: str, needed: int | None, monkeypatch: pytest.MonkeyPatch) -> ByteArray:
    with monkeypatch.context() as patch:
        patch.setattr(decode, "load_jpeg", lambda _: None)
        patch.setattr(encoded_image, "read_common_jpeg", lambda _: None)
        return EncodedImage(content).decode(mode, needed)


@pytest.fixture
def no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("loaded by Pillow")

    monkeypatch.setattr(JpegImagePlugin.JpegImageFile, "load_prepare", refuse)


@pytest.mark.usefixtures("no_pillow")
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_common_file_is_decoded_without_pillow(mode: str) -> None:
    assert EncodedImage(encoded(DRAWN)).decode(mode).shape[1:] == (150, 203)
    assert EncodedImage(encoded(DRAWN)).decode(mode, 28).shape[1:] == (75, 102)


FILES = {
    **{f"quality {quality}, 4:2:0": {"quality": quality, "subsampling": 2} for quality in (5, 30, 95)},
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "optimized": {"optimize": True},
    "progressive": {"progressive": True},
    "with restarts": {"restart_marker_blocks": 3},
    "stored as RGB": {"keep_rgb": True},
    "with a comment": {"comment": b"\xff\xd9" * 9},
    "with an orientation": {"exif": oriented(6)},
    "with a colour profile": {"icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()},
}


@pytest.mark.parametrize("needed", [None, 28, 9])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("name", FILES)
def test_the_pixels_are_those_of_pillow(
    name: str, mode: str, needed: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image in (DRAWN, SOFT, SOFT.convert("L")):
        options = FILES[name] if image.mode == "RGB" else {**FILES[name], "keep_rgb": False}
        content = encoded(image, **options)
        expected = by_pillow(content, mode, needed, monkeypatch)
        np.testing.assert_array_equal(EncodedImage(content).decode(mode, needed), expected)


def outcome(content: bytes) -> list[int] | str:
    try:
        decoded: list[int] = EncodedImage(content).decode("RGB").tolist()
    except ImageDecodeError as error:
        return str(error)
    return decoded


def test_a_file_with_any_byte_changed_or_cut_off_has_the_outcome_of_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    content = encoded(SOFT.resize((24, 16)))
    changed = [content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :] for at in range(len(content))]
    changed += [content[:length] for length in range(600, len(content), 3)]
    found = [outcome(file) for file in changed]
    monkeypatch.setattr(decode, "load_jpeg", lambda _: None)
    monkeypatch.setattr(encoded_image, "read_common_jpeg", lambda _: None)
    assert found == [outcome(file) for file in changed]
    assert 20 < sum(isinstance(result, str) for result in found) < len(found) - 20
