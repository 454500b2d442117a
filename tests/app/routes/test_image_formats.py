"""Images of every kind reach the model over HTTP as a viewer shows them, and those of one size as one batch."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.app.factory import TestClient, running, write_image
from tests.app.images import encode, grey, noise, oriented, png, upload, values
from tests.models.handmade_png import GREY, PALETTE, RGB, RGBA, handmade_png

ORANGE = (200, 100, 50)
MEAN = sum(ORANGE) / 3
CLEAR = b"\0\0\0\0"
BLACK = np.zeros((4, 6), np.int64)


def colours(*given: tuple[int, ...], scale: int = 1) -> np.ndarray:
    return np.array([given]) * scale


FRAMES = [Image.new("RGBA", (6, 4), (*ORANGE, 255)), Image.new("RGBA", (6, 4), (0, 0, 0, 255))]
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
