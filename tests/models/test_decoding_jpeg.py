"""JPEG and WebP of every kind, encoded from known colours, decode to those colours."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.arrays import ByteArray
from models.decoding import FORMATS, decode_pixels

ORANGE = (200, 100, 50)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **({"quality": 100, "subsampling": 0} if kind == "JPEG" else {}) | options)
    return content.getvalue()


def decoded(content: bytes, mode: str = "RGB", needed: int | None = None) -> ByteArray:
    return decode_pixels(Image.open(io.BytesIO(content), formats=FORMATS), mode, needed)


def colour(content: bytes, needed: int | None = None) -> list[float]:
    found: list[float] = decoded(content, needed=needed).mean((1, 2)).tolist()
    return found


def grey_of(red: float, green: float, blue: float) -> float:
    return 0.299 * red + 0.587 * green + 0.114 * blue


def waves() -> ByteArray:
    rows, columns = np.mgrid[0:48, 0:64]
    return (127 + 100 * np.sin(rows / 9) * np.cos(columns / 7)).astype(np.uint8)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_baseline_and_progressive_grey_and_colour_decode_to_the_encoded_pixels(progressive: bool, mode: str) -> None:
    image = waves() if mode == "L" else np.stack([waves(), waves()[::-1], waves()[:, ::-1]], 2)
    content = encoded(Image.fromarray(image), progressive=progressive)
    assert (b"\xff\xc2" in content) == progressive
    expected = np.stack([image] * 3) if mode == "L" else image.transpose(2, 0, 1)
    assert np.abs(decoded(content).astype(int) - expected).max() <= 4


def test_a_jpeg_stored_as_rgb_keeps_its_colours() -> None:
    content = encoded(Image.new("RGB", (64, 48), ORANGE), keep_rgb=True)
    assert colour(content) == pytest.approx(ORANGE, abs=1)
    assert colour(content, needed=4) == pytest.approx(ORANGE, abs=1)
    assert decoded(content, "L", 4).mean() == pytest.approx(grey_of(*ORANGE), abs=1)


CMYK_COLOURS = [(0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (0, 0, 0, 255), (51, 102, 0, 128)]


def light(cyan: int, magenta: int, yellow: int, black: int) -> list[float]:
    """White, less each ink and black."""
    return [(255 - ink) * (255 - black) / 255 for ink in (cyan, magenta, yellow)]


@pytest.mark.parametrize("needed", [None, 4])
@pytest.mark.parametrize("ink", CMYK_COLOURS)
def test_inverted_cmyk_as_adobe_stores_it(ink: tuple[int, ...], needed: int | None) -> None:
    content = encoded(Image.new("CMYK", (64, 48), ink))
    assert b"Adobe" in content
    assert colour(content, needed) == pytest.approx(light(*ink), abs=2)
    assert decoded(content, "L", needed).mean() == pytest.approx(grey_of(*light(*ink)), abs=2)


@pytest.mark.parametrize("ink", CMYK_COLOURS)
def test_ycck_as_adobe_stores_it(ink: tuple[int, ...]) -> None:
    """YCCK: the inks as if they were red, green and blue, turned to luma and chroma; black as it is."""
    cyan, magenta, yellow, black = ink
    luma = grey_of(cyan, magenta, yellow)
    blue, red = 128 + (yellow - luma) / 1.772, 128 + (cyan - luma) / 1.402
    stored = [round(min(255, part)) for part in (luma, blue, red)]
    content = encoded(Image.new("CMYK", (16, 16), (*(255 - part for part in stored), black)))
    place = content.index(b"Adobe") + 11
    assert content[place] == 0  # transform of the four channels: none
    content = content[:place] + b"\2" + content[place + 1 :]
    assert colour(content) == pytest.approx(light(*ink), abs=3)


@pytest.mark.parametrize("turn", range(1, 9))
def test_cmyk_is_rotated_by_its_orientation(turn: int) -> None:
    stored = np.zeros((24, 40, 4), np.uint8)
    stored[:8, :8] = 255  # one corner is black
    exif = Image.Exif()
    exif[0x0112] = turn
    corner = decoded(encoded(Image.fromarray(stored, "CMYK"), exif=exif), "L")[0] < 128
    places = {1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left"}
    places |= {5: "top left", 6: "top right", 7: "bottom right", 8: "bottom left"}
    assert corner.shape == ((24, 40) if turn <= 4 else (40, 24))
    rows = slice(0, 8) if "top" in places[turn] else slice(-8, None)
    columns = slice(0, 8) if "left" in places[turn] else slice(-8, None)
    assert corner[rows, columns].all()
    assert corner.sum() == 64


def test_of_an_mpo_file_of_several_images_the_first_is_decoded() -> None:
    content = encoded(
        Image.new("RGB", (64, 48), ORANGE), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48), "blue")]
    )
    assert Image.open(io.BytesIO(content), formats=FORMATS).format == "MPO"
    assert colour(content) == pytest.approx(ORANGE, abs=3)
    assert colour(content, needed=4) == pytest.approx(ORANGE, abs=3)


def test_a_profile_changes_no_value() -> None:
    content = encoded(Image.new("RGB", (16, 16), ORANGE), icc_profile=b"no profile at all" * 20)
    assert b"ICC_PROFILE" in content
    assert colour(content) == pytest.approx(ORANGE, abs=1)


@pytest.mark.parametrize("lossless", [True, False])
def test_webp_with_alpha_is_composited_on_white(lossless: bool) -> None:
    for alpha, expected in ((0, 255), (255, 40), (51, 212)):
        image = Image.new("RGBA", (16, 16), (40, 40, 40, alpha))
        content = encoded(image, "WEBP", lossless=lossless, exact=True, quality=100)
        assert colour(content) == pytest.approx([expected] * 3, abs=1)


def test_of_an_animated_webp_the_first_frame_is_decoded() -> None:
    frames = [Image.new("RGBA", (16, 16), (*ORANGE, 255)), Image.new("RGBA", (16, 16), (0, 0, 255, 255))]
    content = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert Image.open(io.BytesIO(content)).n_frames == 2  # type: ignore[attr-defined]
    assert colour(content) == list(ORANGE)
