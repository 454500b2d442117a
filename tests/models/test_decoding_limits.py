"""What a file may cost is bounded, whatever its header declares, and nothing is printed or logged about it."""

import io
import logging
import struct
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from models.decoding import EncodedImage, ImageDecodeError, limits, tiff
from tests.models.handmade_png import GREY, chunk, handmade_png
from tests.models.handmade_tiff import LONG, SHORT, Entry, handmade_tiff

SMALL = np.arange(6, dtype=np.uint8).reshape(2, 3)
MANY = limits.MAX_HEADER_READS


def saved(image: Image.Image, kind: str) -> bytes:
    content = io.BytesIO()
    image.save(content, kind)
    return content.getvalue()


def of_tiny_blocks() -> Iterator[tuple[str, bytes]]:
    png = handmade_png(SMALL.astype(np.int64), GREY)
    yield "PNG", png[:33] + chunk(b"nuLL", b"") * MANY + png[33:]
    jpeg = saved(Image.fromarray(SMALL), "JPEG")
    yield "JPEG", jpeg[:2] + b"\xff\xe5\0\2" * MANY + jpeg[2:]
    gif = saved(Image.fromarray(SMALL), "GIF")
    start = 13 + 3 * 2 ** ((gif[10] & 7) + 1) if gif[10] & 128 else 13
    yield "GIF", gif[:start] + b"!\xfe" + b"\1a" * MANY + b"\0" + gif[start:]
    yield "Netpbm", b"P5\n#" + b"a" * MANY + b"\n3 2 255\n" + SMALL.tobytes()


TINY_BLOCKS = dict(of_tiny_blocks())


@pytest.mark.parametrize("content", TINY_BLOCKS.values(), ids=TINY_BLOCKS)
def test_a_header_of_many_tiny_blocks_is_rejected_before_they_are_all_read(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ImageDecodeError, match=r"^is not a whole PNG, JPEG"):
        EncodedImage(content)
    monkeypatch.setattr(limits.CountedReads, "_reads_left", 10 * MANY)
    assert EncodedImage(content).size == (3, 2)


def entries(count: int) -> dict[int, Entry]:
    return {60_000 + index: (SHORT, [1]) for index in range(count)}


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        (entries(tiff.MAX_TAGS), r"^is a TIFF of 1010 tags, and at most 1000 are taken; save it with fewer$"),
        (
            {273: (LONG, [8] * (tiff.MAX_STRIPS + 1))},
            r"^is a TIFF of 20001 strips or tiles, and at most 20000 are taken; save it in fewer$",
        ),
        (
            {322: (LONG, [60_000]), 323: (LONG, [60_000]), 324: (LONG, [8]), 325: (LONG, [6])},
            r"^is a TIFF of 3 x 2 pixels in tiles of 60000 x 60000; save it in smaller tiles$",
        ),
    ],
    ids=["tags", "strips", "tiles"],
)
@pytest.mark.parametrize("order", "<>")
def test_a_tiff_whose_header_would_take_memory_is_rejected(tags: dict[int, Entry], problem: str, order: str) -> None:
    with pytest.raises(ImageDecodeError, match=problem):
        EncodedImage(handmade_tiff(SMALL, order=order, compressed=322 in tags, tags=tags))


def test_an_avif_of_few_pixels_with_a_large_frame_is_rejected_before_it_is_decoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MIN_PART_PIXELS", 1000)
    content = saved(Image.new("L", (64, 50), 9), "AVIF")
    place = content.index(b"ispe") + 8
    assert content[place : place + 8] == struct.pack(">LL", 64, 50)
    small = content[:place] + struct.pack(">LL", 20, 20) + content[place + 8 :]
    with pytest.raises(ImageDecodeError, match=r"^is an AVIF of 20 x 20 pixels with frames of 64 x 50; save it again"):
        EncodedImage(small)
    assert EncodedImage(content).decode("L").mean() == pytest.approx(9, abs=1)


def boxes(content: bytes) -> dict[bytes, bytes]:
    """The boxes of a file."""
    found, place = {}, 0
    while place < len(content):
        (length,) = struct.unpack_from(">L", content, place)
        found[content[place + 4 : place + 8]] = content[place : place + length]
        place += length
    return found


def test_boxes_that_only_look_like_those_of_an_avif_hide_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a small image, appended to a large one, or in front of it."""
    monkeypatch.setattr(limits, "MIN_PART_PIXELS", 1000)
    large = saved(Image.new("L", (64, 50), 9), "AVIF").replace(struct.pack(">LL", 64, 50), struct.pack(">LL", 20, 20))
    small = boxes(saved(Image.new("L", (20, 20), 9), "AVIF"))
    inner = small[b"meta"][12:]
    for content in (large + inner, large + small[b"meta"], large.replace(large[:28], large[:28] + small[b"meta"], 1)):
        with pytest.raises(ImageDecodeError):
            EncodedImage(content).decode("L")
    with pytest.raises(ImageDecodeError, match="with frames of 64 x 50"):
        EncodedImage(large + inner)


@pytest.mark.parametrize("box", [b"iloc", b"iinf", b"infe", b"av01"])
def test_an_avif_whose_frames_cannot_be_checked_is_rejected(box: bytes) -> None:
    content = saved(Image.fromarray(SMALL), "AVIF")
    with pytest.raises(ImageDecodeError):
        EncodedImage(content.replace(box, b"free")).decode("L")


def test_an_animation_that_avif_stores_as_video_is_read_by_its_first_image(monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), shade) for shade in ("white", "black")]
    frames[0].save(content, "AVIF", save_all=True, append_images=frames[1:])
    animation = content.getvalue()
    assert animation[8:12] == b"avis"
    for brand in (b"avis", b"avif", b"msf1", b"mif1"):
        file = animation[:8] + brand + animation[12:]
        assert EncodedImage(file).decode("L").mean() == pytest.approx(255, abs=1)
    monkeypatch.setattr(limits, "MIN_PART_PIXELS", 10)
    assert EncodedImage(animation).size == (16, 16)


def test_a_gif_that_is_larger_than_its_canvas_has_the_size_of_its_frame_before_it_is_decoded() -> None:
    gif = bytearray(saved(Image.new("L", (50, 40), 7), "GIF"))
    gif[6:10] = struct.pack("<HH", 1, 1)
    assert EncodedImage(bytes(gif)).size == (50, 40)


def test_a_run_length_encoded_bmp_is_read() -> None:
    """Pillow reads two bytes at a time, far more often than a header allows."""
    side = 200
    row = bytes([side // 2, 1, side - side // 2, 2, 0, 0])
    pixels = b"".join([bytes([1, 1 + (index % 2)]) * 1 for index in range(side)]) + b"\0\0"
    palette = bytes(4) + bytes([10, 10, 10, 0]) + bytes([250, 250, 250, 0])
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8, 1, 0, 0, 0, 3, 0) + palette
    strip = row + pixels * (side - 1) + b"\0\1"
    content = b"BM" + struct.pack("<IHHI", 14 + len(head) + len(strip), 0, 0, 14 + len(head)) + head + strip
    shades = EncodedImage(content).decode("L")[0]
    assert shades[-1].tolist() == [10] * 100 + [250] * 100  # rows go from the bottom to the top
    assert shades[0].tolist() == [10, 250] * 100


@pytest.mark.filterwarnings(r"ignore:::PIL\.")
def test_a_broken_tiff_prints_and_logs_nothing(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for compression in (5, 8, 7):  # LZW, deflate, JPEG
        broken = handmade_tiff(SMALL, data=b"no such data", tags={259: (SHORT, [compression])})
        with pytest.raises(ImageDecodeError):
            EncodedImage(broken).decode("L")
    with pytest.raises(ImageDecodeError):
        EncodedImage(handmade_tiff(SMALL, tags={277: (SHORT, [32772])}))
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_a_heic_image_without_the_extra_is_rejected_with_the_command_that_installs_it(
    brand: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.decoding import encoded_image, formats

    for module in (formats, encoded_image):
        monkeypatch.setattr(module, "supported_formats", lambda: formats.FORMATS)
    with pytest.raises(ImageDecodeError, match=r"^is a HEIC image, which needs pillow-heif; pip install 'nalu-serve\["):
        EncodedImage(b"\0\0\0\x18ftyp" + brand + bytes(40))
    with pytest.raises(
        ImageDecodeError, match=r"^is not a whole PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or Netpbm image;"
    ):
        EncodedImage(b"\0\0\0\x18ftypmp42" + bytes(40))
