"""Small PNG files of the common kinds decode without Pillow's reader, and to the same pixels; all others with it."""

import io
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from models.arrays import ByteArray, IntArray
from models.decoding import EncodedImage, ImageDecodeError, decode_pixels, encoded_image
from models.decoding.small_png import MAX_BYTES, MAX_CHUNKS, MAX_PIXELS, read_small_png
from tests.models.handmade_png import GREY, GREY_ALPHA, RGB, RGBA, chunk, handmade_png, pixel_data

MODES = {"L": GREY, "RGB": RGB, "LA": GREY_ALPHA, "RGBA": RGBA}
SAMPLES = np.random.default_rng(0).integers(0, 256, (9, 13))


def samples(mode: str) -> IntArray:
    drawn = np.random.default_rng(1).integers(0, 256, (9, 13, len(mode)))
    return drawn[..., 0] if len(mode) == 1 else drawn


def by_pillow(content: bytes, mode: str) -> ByteArray:
    return decode_pixels(Image.open(io.BytesIO(content)), mode)


@pytest.fixture
def no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read by Pillow")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "_open", refuse)


@pytest.mark.usefixtures("no_reader")
def test_grey_is_decoded_without_pillows_reader() -> None:
    np.testing.assert_array_equal(EncodedImage(handmade_png(SAMPLES, GREY)).decode("L"), SAMPLES[None])


@pytest.mark.parametrize("wanted", ["L", "RGB"])
@pytest.mark.parametrize("mode", MODES)
def test_every_kind_has_the_pixels_that_pillows_reader_gives(mode: str, wanted: str) -> None:
    content = handmade_png(samples(mode), MODES[mode])
    assert read_small_png(content) is not None
    image = EncodedImage(content)
    assert image.size == (13, 9)
    np.testing.assert_array_equal(image.decode(wanted), by_pillow(content, wanted))
    assert image.warning is None


@pytest.mark.parametrize("kind", range(5))
def test_every_filter_is_undone(kind: int) -> None:
    """A row of each filter: what it stores is undone by the formulas of the specification."""
    stored, rows = np.random.default_rng(2).integers(0, 256, (4, 6)), np.zeros((5, 7), int)
    for row, column in np.ndindex(4, 6):
        left, up, corner = rows[row + 1, column], rows[row, column + 1], rows[row, column]
        nearest = min((left, up, corner), key=lambda value: abs(left + up - corner - value))
        guess = (0, left, up, (left + up) // 2, nearest)[kind]
        rows[row + 1, column + 1] = (stored[row, column] + guess) % 256
    data = zlib.compress(b"".join(bytes([kind, *line]) for line in stored))
    content = handmade_png(stored, GREY).replace(chunk(b"IDAT", pixel_data(stored)), chunk(b"IDAT", data))
    np.testing.assert_array_equal(EncodedImage(content).decode("L")[0], rows[1:, 1:])


def test_pixels_in_several_chunks_are_one_stream() -> None:
    data = pixel_data(SAMPLES)
    parts = b"".join(chunk(b"IDAT", part) for part in (data[:7], b"", data[7:]))
    content = handmade_png(SAMPLES, GREY).replace(chunk(b"IDAT", data), parts)
    assert read_small_png(content) is not None
    np.testing.assert_array_equal(EncodedImage(content).decode("L")[0], SAMPLES)


def in_chunks(count: int) -> bytes:
    """With that many chunks of pixels, most of them empty."""
    data = chunk(b"IDAT", pixel_data(SAMPLES))
    return handmade_png(SAMPLES, GREY).replace(data, data + chunk(b"IDAT", b"") * (count - 1))


def with_bytes(length: int) -> bytes:
    content = handmade_png(SAMPLES, GREY)
    return content + bytes(length - len(content))


SPECIAL: dict[str, Callable[[], bytes]] = {
    "16 bits": lambda: handmade_png(SAMPLES * 257, GREY, 16),
    "1 bit": lambda: handmade_png(SAMPLES % 2, GREY, 1),
    "interlaced": lambda: handmade_png(SAMPLES, GREY, interlaced=True),
    "a transparent shade": lambda: handmade_png(SAMPLES, GREY, before=((b"tRNS", b"\0\7"),)),
    "an orientation": lambda: handmade_png(SAMPLES, GREY, after=((b"eXIf", Image.Exif().tobytes()),)),
    "a text": lambda: handmade_png(SAMPLES, GREY, before=((b"tEXt", b"Author\0me"),)),
    "a pixel too many": lambda: handmade_png(np.zeros((1, MAX_PIXELS + 1), int), GREY),
    "a chunk too many": lambda: in_chunks(MAX_CHUNKS - 1),
    "a byte too many": lambda: with_bytes(MAX_BYTES + 1),
    "no end": lambda: handmade_png(SAMPLES, GREY)[:-12],
}


@pytest.mark.parametrize("name", SPECIAL)
def test_whatever_is_special_is_read_by_pillow(name: str) -> None:
    content = SPECIAL[name]()
    assert read_small_png(content) is None
    np.testing.assert_array_equal(EncodedImage(content).decode("L"), by_pillow(content, "L"))


def test_what_just_keeps_the_limits_is_small() -> None:
    widest = handmade_png(np.zeros((1, MAX_PIXELS), int), GREY)
    for content in (widest, in_chunks(MAX_CHUNKS - 2), with_bytes(MAX_BYTES)):
        assert read_small_png(content) is not None


def test_a_file_that_exceeds_pillows_own_limit_is_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 9 * 13 // 2 - 1)
    with pytest.raises(Image.DecompressionBombError):
        EncodedImage(handmade_png(SAMPLES, GREY))


def outcome(content: bytes) -> list[int] | str:
    try:
        decoded: list[int] = EncodedImage(content).decode("L").tolist()
    except ImageDecodeError as error:
        return str(error)
    return decoded


@pytest.mark.parametrize("length", [20, 40, 60, 100])
def test_a_truncated_file_is_no_whole_image(length: int) -> None:
    with pytest.raises(ImageDecodeError, match=r"^is not a whole PNG, "):
        EncodedImage(handmade_png(SAMPLES, GREY)[:length]).decode("L")


def test_a_file_with_any_byte_changed_has_the_outcome_of_pillows_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    content = handmade_png(SAMPLES, GREY)
    changed = [content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :] for at in range(len(content))]
    data = pixel_data(SAMPLES)
    streams = (zlib.compress(bytes(14)), data[:20] + bytes(40), data + b"more", b"")
    changed += [content.replace(chunk(b"IDAT", data), chunk(b"IDAT", stream)) for stream in streams]
    found = [outcome(file) for file in changed]
    monkeypatch.setattr(encoded_image, "read_small_png", lambda _: None)
    assert found == [outcome(file) for file in changed]
    assert 100 < sum(isinstance(result, str) for result in found) < len(found)


def test_of_a_stream_of_more_pixels_than_the_size_the_first_are_decoded() -> None:
    bomb = zlib.compress(bytes(2**22))
    content = handmade_png(SAMPLES, GREY).replace(chunk(b"IDAT", pixel_data(SAMPLES)), chunk(b"IDAT", bomb))
    assert EncodedImage(content).decode("L").tolist() == [[[0] * 13] * 9]
