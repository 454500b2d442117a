"""Images of every kind reach the model over HTTP as a viewer shows them, and those of one size as one batch."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.decoding.formats import supported_formats
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_image
from tests.app.images import encode, grey, noise, oriented, png, upload, values
from tests.models.handmade_png import GREY, PALETTE, RGB, RGBA, handmade_png
from tests.models.handmade_tiff import DOUBLE, handmade_tiff

ORANGE = (200, 100, 50)
MEAN = sum(ORANGE) / 3
CLEAR = b"\0\0\0\0"
BLACK = np.zeros((4, 6), np.int64)


def colours(*given: tuple[int, ...], scale: int = 1) -> np.ndarray:
    return np.array([given]) * scale


FRAMES = [Image.new("RGBA", (6, 4), (*ORANGE, 255)), Image.new("RGBA", (6, 4), (0, 0, 0, 255))]
SIGNED = {340: (DOUBLE, [-100]), 341: (DOUBLE, [100])}
"""The range of a TIFF."""
supported_formats()  # registers HEIC, for Pillow to write it
KINDS: dict[str, tuple[bytes, float]] = {
    "palette": (handmade_png(BLACK, PALETTE, 4, before=((b"PLTE", bytes(ORANGE)),)), MEAN),
    "clear palette": (handmade_png(BLACK, PALETTE, 1, before=((b"PLTE", bytes(ORANGE)), (b"tRNS", b"\0"))), 255),
    "half-clear palette": (handmade_png(BLACK, PALETTE, 1, before=((b"PLTE", b"\0\0\0"), (b"tRNS", b"\x33"))), 204),
    "clear grey": (handmade_png(BLACK + 7, GREY, 4, before=((b"tRNS", b"\0\7"),)), 255),
    "deep clear grey": (handmade_png(BLACK + 700, GREY, 16, before=((b"tRNS", struct.pack(">H", 700)),)), 255),
    "clear colour": (handmade_png(colours(ORANGE), RGB, before=((b"tRNS", struct.pack(">HHH", *ORANGE)),)), 255),
    "deep colour": (handmade_png(colours(ORANGE, scale=257), RGB, 16), MEAN),
    "deep half-clear black": (handmade_png(colours((0, 0, 0, 0x3333)), RGBA, 16), 204),
    "deep grey": (png(np.full((3, 3), 0x8000, np.uint16)), 128),
    "one bit": (handmade_png(np.eye(4, dtype=np.int64), GREY, 1), 255 / 4),
    "interlaced": (handmade_png(BLACK + 9, GREY, interlaced=True), 9),
    "ink": (encode(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), "JPEG", quality=100), 170),
    "progressive": (encode(Image.new("RGB", (8, 8), ORANGE), "JPEG", quality=100, progressive=True), MEAN),
    "grey photograph": (grey(99, 8, 8, "JPEG", quality=100), 99),
    "phone's photograph": (
        encode(Image.new("RGB", (8, 8), ORANGE), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))]),
        MEAN,
    ),
    "animated PNG": (encode(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), MEAN),
    "GIF": (encode(Image.new("RGB", (6, 4), ORANGE), "GIF"), MEAN),
    "animated GIF": (encode(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]), MEAN),
    "BMP": (encode(Image.new("RGB", (6, 4), ORANGE), "BMP"), MEAN),
    "TIFF": (encode(Image.new("RGB", (6, 4), ORANGE), "TIFF", compression="tiff_lzw"), MEAN),
    "TIFF of inks": (encode(Image.new("CMYK", (6, 4), (255, 0, 0, 0)), "TIFF"), 170),
    "TIFF of floats": (handmade_tiff(np.full((3, 3), 0.4, np.float32)), 102),
    "TIFF of signed samples": (handmade_tiff(np.full((3, 3), 0, np.int16), tags=SIGNED), 127.5),
    "AVIF": (encode(Image.new("RGB", (16, 16), ORANGE), "AVIF", quality=100), MEAN),
    "HEIC": (encode(Image.new("RGB", (16, 16), ORANGE), "HEIF", quality=100), MEAN),
    "Netpbm": (encode(Image.new("RGB", (6, 4), ORANGE), "PPM"), MEAN),
    "animated WebP": (encode(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True), MEAN),
}


@pytest.mark.parametrize(("content", "shown"), KINDS.values(), ids=[name.replace(" ", "-") for name in KINDS])
def test_every_kind_of_image_has_the_brightness_that_a_viewer_shows(
    client: TestClient, content: bytes, shown: float
) -> None:
    assert values(upload(client, "colour", content)) == pytest.approx([shown], abs=1.5)


def test_all_kinds_at_once_are_answered_in_their_order(client: TestClient) -> None:
    answers = values(upload(client, "colour", *(content for content, _ in KINDS.values())))
    assert answers == pytest.approx([shown for _, shown in KINDS.values()], abs=1.5)


@pytest.mark.parametrize("turn", range(1, 9))
def test_an_image_is_measured_as_it_is_turned(client: TestClient, turn: int) -> None:
    """strict takes 6 x 4 pixels: what lies on its side fits only once it is upright."""
    size = (6, 4) if turn <= 4 else (4, 6)
    assert values(upload(client, "strict", oriented(Image.new("L", size, 9), turn, "PNG"))) == [9]


def batches(client: TestClient, model: str) -> tuple[int, int]:
    """Numbers of images and batches computed, from the metrics."""
    lines = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if not line.startswith("#"))

    def read(name: str) -> int:
        return int(float(lines.get(f'{name}{{model="{model}",version="1"}}', 0)))

    return read("nalu_batch_rows_sum"), read("nalu_batch_rows_count")


@pytest.mark.parametrize("options", [{}, {"resize": False}], ids=["resized", "unresized"])
def test_several_images_of_one_size_in_a_request_are_one_batch(tmp_path: Path, options: dict[str, Any]) -> None:
    write_image(tmp_path, "m", "brightness", **options)
    with running(tmp_path) as client:
        assert values(upload(client, "m", *(grey(value, 9, 8) for value in range(5)))) == [0, 1, 2, 3, 4]
        assert batches(client, "m") == (5, 1)
        contents = [png(noise(9, 8)), png(noise(9, 8)), png(noise(7, 8)), png(noise(9, 8))]
        values(upload(client, "m", *contents))
        assert batches(client, "m") == (9, 4)  # neighbours of one size together


def test_files_without_their_end_marker_are_predicted_with_a_warning_each(client: TestClient) -> None:
    photo, drawing = grey(99, 16, 16, "JPEG", quality=100), grey(7, 16, 16)
    response = upload(client, "brightness", photo, photo[:-2], drawing[:-12], drawing)
    assert values(response) == pytest.approx([99, 99, 7, 7], abs=1)
    message = "The {} lacks its end marker, as if it had been cut off; all of its pixels were read."
    assert response.json()["warnings"] == [
        {"file": 1, "message": message.format("JPEG")},
        {"file": 2, "message": message.format("PNG")},
    ]


def test_samples_without_a_range_are_rejected_by_name(client: TestClient) -> None:
    floats = handmade_tiff(np.full((3, 3), 200, np.float32))
    detail = (
        "File 1 holds floats, which are read as 0 to 1, from 200 to 200, and the file does not define black and white; "
        "save it as 8 or 16 bits, or store SMinSampleValue and SMaxSampleValue."
    )
    expect_problem(upload(client, "brightness", grey(7), floats), 415, detail)
