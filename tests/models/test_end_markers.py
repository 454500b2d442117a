"""Files that lack only their end marker are read, with a warning; files that lack pixels are not."""

import io
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.arrays import ByteArray
from models.decoding import EncodedImage, ImageDecodeError
from models.decoding.formats import supported_formats

WARNING = "The {} lacks its end marker, as if it had been cut off; all of its pixels were read."
OPTIONS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimized": {"optimize": True},
    "restarts": {"restart_marker_blocks": 2},
    "subsampled": {"subsampling": 2},
}

TAILS = {
    "nothing": b"",
    "half-a-marker": b"\xff",
    "zeros": bytes(100),
    "line-end": b"\n",
    "html": b"<html>",
    "other-markers": b"\xff\x9a\x00\xff\x01",
}


def photo() -> ByteArray:
    rows, columns = np.mgrid[0:48, 0:70]
    waves = [127 + 100 * np.sin(rows / p) * np.cos(columns / 7) for p in (5, 9, 13)]
    return (np.stack(waves, 2) + np.random.default_rng(0).normal(0, 9, (48, 70, 3))).clip(0, 255).astype(np.uint8)


def encoded(kind: str = "JPEG", **options: Any) -> bytes:
    content = io.BytesIO()
    Image.fromarray(photo()).save(content, kind, **options)
    return content.getvalue()


def read(content: bytes, needed: int | None = None) -> tuple[ByteArray, str | None]:
    image = EncodedImage(content)
    return image.decode("RGB", needed), image.warning


@pytest.mark.parametrize("needed", [None, 4])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
def test_a_jpeg_without_its_end_marker_is_read_whatever_follows(
    options: dict[str, Any], tail: bytes, needed: int | None
) -> None:
    whole = encoded(**options)
    expected, no_warning = read(whole, needed)
    found, warning = read(whole[:-2] + tail, needed)
    np.testing.assert_array_equal(found, expected)
    assert (no_warning, warning) == (None, WARNING.format("JPEG"))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("lost", [12, 60, 400])
def test_a_jpeg_that_lacks_its_last_pixels_is_rejected(options: dict[str, Any], lost: int) -> None:
    with pytest.raises(ImageDecodeError, match="is not a whole PNG, JPEG"):
        read(encoded(**options)[:-lost])


def test_a_thumbnail_with_an_end_marker_hides_neither_that_the_image_lacks_one_nor_its_pixels() -> None:
    thumbnail = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(thumbnail, "JPEG")
    whole = encoded()
    segment = b"Exif\0\0" + thumbnail.getvalue()
    whole = whole[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + whole[2:]
    expected, _ = read(whole)
    found, warning = read(whole[:-2])
    np.testing.assert_array_equal(found, expected)
    assert warning == WARNING.format("JPEG")
    with pytest.raises(ImageDecodeError, match="is not a whole PNG, JPEG"):
        read(whole[:-60])


def test_wherever_a_jpeg_is_cut_off_it_is_rejected_or_whole() -> None:
    """Every byte counts: those of pixels may be followed by a zero that only marks them."""
    image = Image.fromarray(np.tile(np.arange(16, dtype=np.uint8) * 17, (16, 1)))
    content = io.BytesIO()
    image.save(content, "JPEG", quality=95)
    whole = content.getvalue()
    expected, _ = read(whole)
    taken = []
    for lost in range(1, 62):
        try:
            found, warning = read(whole[:-lost])
        except ImageDecodeError:
            continue
        np.testing.assert_array_equal(found, expected)
        assert warning == WARNING.format("JPEG")
        taken.append(lost)
    assert taken == [1, 2]


def test_a_progressive_jpeg_that_lacks_whole_scans_is_rejected() -> None:
    """Its pixels are all there, but not their last bits."""
    whole = encoded(progressive=True)
    scans = [match.start() for match in re.finditer(rb"\xff\xda\x00[\x08\x0a\x0c]", whole)]
    assert len(scans) > 5
    for start in scans[1:]:
        with pytest.raises(ImageDecodeError, match="is not a whole PNG, JPEG"):
            read(whole[:start])


@pytest.mark.parametrize("share", [0.02, 0.34, 0.67, 0.95])
def test_a_truncated_jpeg_is_rejected(share: float) -> None:
    content = encoded()
    for tail in (b"", bytes(len(content))):
        with pytest.raises(ImageDecodeError, match="is not a whole PNG, JPEG"):
            read(content[: int(share * len(content))] + tail)


def test_a_png_without_its_end_is_read_with_a_warning() -> None:
    whole = encoded("PNG")
    found, warning = read(whole[:-12])
    np.testing.assert_array_equal(found, photo().transpose(2, 0, 1))
    assert warning == WARNING.format("PNG")
    assert read(whole)[1] is None
    with pytest.raises(ImageDecodeError, match="is not a whole PNG"):
        read(whole[:-40])


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "TIFF", "BMP", "HEIF"])
def test_other_formats_that_are_cut_off_are_rejected(kind: str) -> None:
    assert "HEIF" in supported_formats()  # which registers it
    whole = encoded(kind)
    with pytest.raises(ImageDecodeError):
        read(whole[:-40])


def test_a_gif_without_its_trailer_is_read_as_its_first_frame_is_whole() -> None:
    whole = encoded("GIF")
    assert whole.endswith(b";")
    np.testing.assert_array_equal(read(whole[:-1])[0], read(whole)[0])
    with pytest.raises(ImageDecodeError):
        read(whole[:-200])
