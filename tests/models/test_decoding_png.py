"""Every kind of PNG, encoded from the specification, decodes to the encoded pixels."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models.arrays import ByteArray, FloatArray, IntArray
from models.decoding import decode_pixels
from tests.models.handmade_png import GREY, GREY_ALPHA, PALETTE, RGB, RGBA, chunk, handmade_png, pixel_data

DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
SAMPLES = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
KINDS = [(colour_type, depth) for colour_type, depths in DEPTHS.items() for depth in depths]
NAMES = [f"{dict(zip(DEPTHS, ('grey', 'rgb', 'palette', 'grey-alpha', 'rgba'), strict=True))[c]}-{d}" for c, d in KINDS]
COLOURS = np.random.default_rng(1).integers(0, 256, (256, 4))
"""A palette, with an alpha for each colour."""


def samples(colour_type: int, depth: int, height: int = 9, width: int = 13) -> IntArray:
    shape = (height, width, SAMPLES[colour_type])
    drawn = np.random.default_rng(depth).integers(0, 2**depth, shape)
    return drawn[..., 0] if shape[2] == 1 else drawn


def palette(depth: int, *, alpha: bool = False) -> tuple[tuple[bytes, bytes], ...]:
    colours = COLOURS[: 2**depth].astype(np.uint8)
    chunks = ((b"PLTE", colours[:, :3].tobytes()), (b"tRNS", colours[:, 3].tobytes()))
    return chunks if alpha else chunks[:1]


def on_white(colour: NDArray[Any], alpha: NDArray[Any]) -> FloatArray:
    """Colour and opacity, each within 0 and 1, as 0 to 255."""
    return 255 * (colour * alpha + 1 - alpha)


def expected_pixels(values: NDArray[Any], colour_type: int, depth: int) -> FloatArray:
    """``(3, height, width)`` in 0 to 255, not rounded."""
    shares = values / (2**depth - 1)
    if colour_type == GREY:
        colours = 255 * np.stack([shares] * 3)
    elif colour_type == RGB:
        colours = 255 * shares.transpose(2, 0, 1)
    elif colour_type == PALETTE:
        colours = COLOURS[values][..., :3].transpose(2, 0, 1)
    else:
        colour, alpha = shares[..., :-1].transpose(2, 0, 1), shares[..., -1]
        colours = on_white(np.broadcast_to(colour, (3, *alpha.shape)), alpha)
    return np.asarray(colours, float)


def decoded(content: bytes, mode: str = "RGB") -> ByteArray:
    return decode_pixels(Image.open(io.BytesIO(content)), mode)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("colour_type", "depth"), KINDS, ids=NAMES)
def test_every_colour_type_and_depth_decodes_to_the_encoded_pixels(
    colour_type: int, depth: int, interlaced: bool
) -> None:
    values = samples(colour_type, depth)
    before = palette(depth) if colour_type == PALETTE else ()
    content = handmade_png(values, colour_type, depth, before=before, interlaced=interlaced)
    expected = expected_pixels(values, colour_type, depth)
    cut_twice = depth == 16 and colour_type in (GREY_ALPHA, RGBA)  # colour and opacity lose their lower bits
    assert np.abs(decoded(content) - expected).max() <= 1 + cut_twice
    luma = np.tensordot([0.299, 0.587, 0.114], expected, 1)
    assert np.abs(decoded(content, "L")[0] - luma).max() <= 2


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_shades_of_a_few_bits_reach_black_and_white_and_are_exact(depth: int) -> None:
    values = np.arange(2**depth)[None]
    assert decoded(handmade_png(values, GREY, depth), "L")[0, 0].tolist() == [
        255 * value // (2**depth - 1) for value in range(2**depth)
    ]


def test_sixteen_bits_lose_their_lower_eight() -> None:
    values = np.array([[0, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF]])
    assert decoded(handmade_png(values, GREY, 16), "L")[0, 0].tolist() == [0, 0, 1, 0x7F, 0x80, 0xFF]
    colour = decoded(handmade_png(np.stack([values, values[:, ::-1], values], 2), RGB, 16))
    assert colour[:, 0].tolist() == [[0, 0, 1, 0x7F, 0x80, 0xFF], [0xFF, 0x80, 0x7F, 1, 0, 0], [0, 0, 1, 127, 128, 255]]


@pytest.mark.parametrize("depth", DEPTHS[PALETTE])
def test_a_palette_with_alpha_is_composited_on_white(depth: int) -> None:
    values = samples(PALETTE, depth)
    expected = on_white(COLOURS[values][..., :3].transpose(2, 0, 1) / 255, COLOURS[values][..., 3] / 255)
    assert (
        np.abs(decoded(handmade_png(values, PALETTE, depth, before=palette(depth, alpha=True))) - expected).max() <= 1
    )


def test_palette_colours_without_alpha_are_opaque() -> None:
    before = ((b"PLTE", bytes([10, 20, 30, 40, 50, 60])), (b"tRNS", bytes([0])))
    content = handmade_png(np.array([[0, 1]]), PALETTE, 8, before=before)
    assert decoded(content)[:, 0].tolist() == [[255, 40], [255, 50], [255, 60]]


@pytest.mark.parametrize("depth", DEPTHS[GREY])
def test_only_the_transparent_shade_of_a_grey_image_becomes_white(depth: int) -> None:
    for transparent in {0, 1, 2 ** (depth - 1) - 1, 2**depth - 2}:
        others = [0, 2**depth - 1, 2 ** (depth - 1), max(0, transparent - 1), min(transparent + 1, 2**depth - 1)]
        values = np.array([[transparent, *others]])
        content = handmade_png(values, GREY, depth, before=((b"tRNS", struct.pack(">H", transparent)),))
        expected = np.where(values == transparent, 255, 255 * values / (2**depth - 1))
        assert np.abs(decoded(content, "L")[0] - expected).max() <= 1


@pytest.mark.parametrize("depth", DEPTHS[RGB])
def test_only_the_transparent_colour_of_an_image_becomes_white(depth: int) -> None:
    scale = 1 if depth == 8 else 257
    transparent = np.array([12, 34, 56]) * scale
    values = np.array([[transparent, transparent + np.array([0, 0, scale]), transparent[::-1], [0, 0, 0]]])
    content = handmade_png(values, RGB, depth, before=((b"tRNS", struct.pack(">HHH", *transparent)),))
    assert decoded(content)[:, 0].T.tolist() == [[255, 255, 255], [12, 34, 57], [56, 34, 12], [0, 0, 0]]


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff\xff", b"\0" * 5, b"\xff" * 6, b"\0" * 300])
@pytest.mark.parametrize(("colour_type", "depth"), KINDS, ids=NAMES)
def test_an_invalid_transparency_chunk_is_rejected_or_ignored(colour_type: int, depth: int, data: bytes) -> None:
    before = (*(palette(depth) if colour_type == PALETTE else ()), (b"tRNS", data))
    content = handmade_png(samples(colour_type, depth), colour_type, depth, before=before)
    try:
        assert decoded(content, "L").shape == (1, 9, 13)
    except (OSError, ValueError, SyntaxError):  # the service responds with 415
        return


PROFILE = (b"iCCP", b"none\0\0" + zlib.compress(b"no profile at all" * 20))


@pytest.mark.parametrize(
    "before",
    [
        ((b"gAMA", struct.pack(">I", 100_000)),),
        ((b"gAMA", struct.pack(">I", 22_000)), (b"cHRM", struct.pack(">8I", *range(10_000, 90_000, 10_000)))),
        ((b"sRGB", b"\0"),),
        (PROFILE,),
    ],
    ids=["gamma-1", "gamma-and-primaries", "srgb", "profile"],
)
def test_gamma_and_profiles_change_no_value(before: tuple[tuple[bytes, bytes], ...]) -> None:
    values = samples(GREY, 8)
    np.testing.assert_array_equal(decoded(handmade_png(values, GREY, 8, before=before), "L")[0], values)


def test_of_an_animation_the_first_frame_is_decoded() -> None:
    first, second = samples(GREY, 8), samples(GREY, 8)[::-1]
    height, width = first.shape

    def control(number: int) -> tuple[bytes, bytes]:
        return b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 10, 0, 0)

    content = handmade_png(
        first,
        GREY,
        before=((b"acTL", struct.pack(">II", 2, 0)), control(0)),
        after=(control(1), (b"fdAT", struct.pack(">I", 2) + pixel_data(second))),
    )
    np.testing.assert_array_equal(decoded(content, "L")[0], first)


def exif(orientation: int) -> bytes:
    return b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 3, 1, orientation) + b"\0\0\0\0"


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize(("colour_type", "depth"), KINDS, ids=NAMES)
def test_every_kind_is_rotated_wherever_the_exif_chunk_is(colour_type: int, depth: int, place: str) -> None:
    values = samples(colour_type, depth)
    colours = palette(depth) if colour_type == PALETTE else ()
    block = ((b"eXIf", exif(6)),)
    before, after = (colours + block, ()) if place == "before" else (colours, block)
    lying = decoded(handmade_png(values, colour_type, depth, before=colours))
    content = handmade_png(values, colour_type, depth, before=before, after=after)
    np.testing.assert_array_equal(decoded(content), np.rot90(lying, -1, (1, 2)))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "block",
    [
        b"II*\0",
        b"\xff" * 30,
        exif(6)[:12],
        b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 2, 4, 0x41414141) + b"\0\0\0\0",
        b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x0112, 5, 1, 26) + struct.pack("<III", 0, 1, 0),
    ],
    ids=["empty", "garbage", "truncated", "text", "division by zero"],
)
def test_a_corrupt_exif_chunk_is_ignored(block: bytes) -> None:
    values = samples(GREY, 8)
    np.testing.assert_array_equal(decoded(handmade_png(values, GREY, before=((b"eXIf", block),)), "L")[0], values)


def test_an_unknown_chunk_is_ignored() -> None:
    values = samples(GREY, 8)
    content = handmade_png(values, GREY, before=((b"nuLL", b"anything"),))
    assert chunk(b"nuLL", b"anything") in content
    np.testing.assert_array_equal(decoded(content, "L")[0], values)
