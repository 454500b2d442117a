"""Samples of other than 8 unsigned bits: scaled by the range that the file defines, else rejected by name."""

import struct
from typing import Any

import numpy as np
import pytest

from models.arrays import ByteArray
from models.decoding import EncodedImage, ImageDecodeError
from tests.models.handmade_png import GREY, GREY_ALPHA, RGB, RGBA, handmade_png
from tests.models.handmade_tiff import ASCII, DOUBLE, SHORT, handmade_tiff, ramp

S_MIN, S_MAX, MIN, MAX, DESCRIPTION = 340, 341, 280, 281, 270
RISING = np.arange(256)
"""The shades of a ramp over 256 columns from black to white."""


def decoded(content: bytes, mode: str = "L") -> ByteArray:
    return EncodedImage(content).decode(mode)


def declared(low: float, high: float) -> dict[int, Any]:
    return {S_MIN: (DOUBLE, [low]), S_MAX: (DOUBLE, [high])}


def imagej(low: float, high: float) -> dict[int, Any]:
    return {DESCRIPTION: (ASCII, f"ImageJ=1.54f\nmin={low}\nmax={high}\n\0".encode())}


LAYOUTS = [(order, compressed) for order in "<>" for compressed in (False, True)]


@pytest.mark.parametrize(("order", "compressed"), LAYOUTS)
@pytest.mark.parametrize(
    ("samples", "tags"),
    [
        (ramp(0, 65535, "u2"), {}),
        (ramp(0, 1, "f4"), {}),
        (ramp(0, 4095, "u2"), declared(0, 4095)),
        (ramp(0, 4095, "u2"), {MAX: (SHORT, [4095])}),
        (ramp(1000, 3000, "u2"), {MIN: (SHORT, [1000]), MAX: (SHORT, [3000])}),
        (ramp(0, 4095, "u2"), imagej(0, 4095)),
        (ramp(-2000, 2000, "i2"), declared(-2000, 2000)),
        (ramp(-(2**31), 2**31 - 1, "i4"), declared(-(2**31), 2**31 - 1)),
        (ramp(-500, 500, "i4"), declared(-500, 500)),
        (ramp(-500, 500, "i4"), imagej(-500.0, 500.0)),
        (ramp(0, 255, "f4"), declared(0, 255)),
        (ramp(-1000, 65535, "f4"), imagej(-1000, 65535)),
        (ramp(-0.25, 0.75, "f4"), declared(-0.25, 0.75)),
        (ramp(-128, 127, "i1"), declared(-128, 127)),
    ],
    ids=lambda value: f"{value.dtype}-{value.max():g}" if isinstance(value, np.ndarray) else "-".join(map(str, value)),
)
def test_grey_is_scaled_from_its_range_whatever_the_byte_order_and_compression(
    samples: np.ndarray, tags: dict[int, Any], order: str, compressed: bool
) -> None:
    shades = decoded(handmade_tiff(samples, order=order, compressed=compressed, tags=tags))[0, 0]
    assert np.abs(shades.astype(int) - RISING).max() <= 1
    assert (shades[0], shades[-1]) == (0, 255)


def test_unsigned_32_bits_are_read_above_the_largest_signed_number() -> None:
    samples = ramp(0, 2**32 - 1, "u4")
    assert decoded(handmade_tiff(samples, tags=declared(0, 2**32 - 1)))[0, 0].tolist() == RISING.tolist()


def test_samples_outside_a_declared_range_are_black_or_white() -> None:
    samples = np.array([[-5, 0, 50, 100, 900]], np.int32)
    assert decoded(handmade_tiff(samples, tags=declared(0, 100)))[0, 0].tolist() == [0, 0, 126, 253, 255]


def test_12_bits_that_are_packed_have_the_range_of_12_bits() -> None:
    data = bytes([0x00, 0x07, 0xFF, 0xFF, 0xF8, 0x00])  # 0, 2047, 4095, 2048
    samples = np.zeros((1, 4), np.uint16)
    assert decoded(handmade_tiff(samples, bits=12, data=data))[0, 0].tolist() == [0, 127, 255, 128]


@pytest.mark.parametrize("samples", [ramp(0, 65535, "u2"), ramp(0, 1, "f4")], ids=["16-bits", "floats"])
def test_where_white_is_zero_shades_are_inverted(samples: np.ndarray) -> None:
    shades = decoded(handmade_tiff(samples, photometric=0))[0, 0]
    assert np.abs(shades.astype(int) - RISING[::-1]).max() <= 1


def test_two_images_with_one_range_keep_their_difference_in_brightness() -> None:
    dark, bright = (decoded(handmade_tiff(np.full((2, 2), shade, np.float32))).item(0) for shade in (0.1, 0.8))
    assert (dark, bright) == (26, 204)


@pytest.mark.parametrize(
    ("samples", "problem"),
    [
        (ramp(0, 255, "f4"), "holds floats, which are read as 0 to 1, from 0 to 255, and the file does not define"),
        (ramp(-1, 1, "f4"), "holds floats, which are read as 0 to 1, from -1 to 1, and the file does not define"),
        (ramp(0, 255, "i4"), "holds signed integers of 32 bits from 0 to 255, and the file does not define black"),
        (ramp(0, 1e6, "u4"), "holds unsigned integers of 32 bits from 0 to 1e+06, and the file does not define black"),
        (ramp(-500, 500, "i2"), "holds signed integers of 16 bits from -500 to 500, and the file does not define"),
        (ramp(-100, 100, "i1"), "holds signed integers of 8 bits from -100 to 100, and the file does not define"),
        (ramp(0, 4095, "u2"), "uses 12 or fewer of its 16 bits"),
        (ramp(0, 200, "u2"), "uses 12 or fewer of its 16 bits"),
        (np.full((2, 2), np.nan, np.float32), "holds samples that are not finite"),
        (np.full((2, 2), np.inf, np.float32), "holds samples that are not finite"),
        (ramp(0, 1, "f8"), "is a TIFF of 1 floats of 64 bits a pixel"),
        (ramp(0, 1, "f2"), "is a TIFF of 1 floats of 16 bits a pixel"),
        (np.zeros((2, 2, 3), np.float32), "is a TIFF of 3 floats of 32 bits a pixel"),
        (np.zeros((2, 2), np.complex64), "is a TIFF of 1 complex floats of 64 bits a pixel"),
    ],
    ids=lambda value: f"{value.dtype}-{value.max():g}" if isinstance(value, np.ndarray) else "",
)
def test_samples_without_a_defined_range_are_rejected_by_name(samples: np.ndarray, problem: str) -> None:
    with pytest.raises(ImageDecodeError) as error:
        decoded(handmade_tiff(samples))
    assert str(error.value).startswith(problem)
    assert ";" in str(error.value)


def test_a_16_bit_png_of_12_bits_is_rejected_too_and_a_black_one_is_black() -> None:
    values = np.array([[0, 4095]])
    with pytest.raises(ImageDecodeError, match=r"uses 12 or fewer of its 16 bits, .*; save it as 8 bits, scale"):
        decoded(handmade_png(values, GREY, 16))
    assert decoded(handmade_png(values * 0, GREY, 16)).max() == 0
    clear = handmade_png(values, GREY, 16, before=((b"tRNS", struct.pack(">H", 4095)),))
    assert decoded(clear)[0, 0].tolist() == [0, 255]


@pytest.mark.parametrize(("colour_type", "bands"), [(RGB, 3), (RGBA, 4), (GREY_ALPHA, 2)], ids=["rgb", "rgba", "grey"])
def test_16_bit_colours_of_a_png_of_12_bits_are_rejected_too(colour_type: int, bands: int) -> None:
    values = np.full((2, 2, bands), 0xFFFF)
    values[..., :3] = 3000
    if colour_type == GREY_ALPHA:
        values[..., 1] = 0xFFFF
    with pytest.raises(
        ImageDecodeError, match=r"^uses 12 or fewer of its 16 bits, and the file does not define white; "
    ):
        decoded(handmade_png(values, colour_type, 16))
    values[0, 0, 0] = 0xFFFF
    assert decoded(handmade_png(values, colour_type, 16)).max() > 70


def test_16_bit_colours_of_a_tiff_of_12_bits_are_rejected_and_those_that_declare_16_are_read() -> None:
    dark = np.full((2, 2, 3), 3000, np.uint16)
    for compressed in (False, True):
        with pytest.raises(ImageDecodeError, match=r"^uses 12 or fewer of its 16 bits"):
            decoded(handmade_tiff(dark, photometric=2, compressed=compressed))
        tags = {S_MIN: (DOUBLE, [0] * 3), S_MAX: (DOUBLE, [65535] * 3)}  # libtiff takes one for each colour
        assert decoded(handmade_tiff(dark, photometric=2, compressed=compressed, tags=tags)).max() == 11


def test_the_significant_bits_of_a_png_change_nothing_as_its_samples_are_scaled_already() -> None:
    values = np.array([[0, 4095 << 4, 0xFFFF]])
    content = handmade_png(values, GREY, 16, before=((b"sBIT", b"\x0c"),))
    assert decoded(content)[0, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize("tags", [declared(5, 5), declared(9, 1), declared(0, np.inf), {S_MAX: (ASCII, b"many\0")}])
def test_an_unusable_range_counts_as_none(tags: dict[int, Any]) -> None:
    assert decoded(handmade_tiff(ramp(0, 65535, "u2"), tags=tags))[0, 0].tolist() == RISING.tolist()
    with pytest.raises(ImageDecodeError, match="does not define black and white"):
        decoded(handmade_tiff(ramp(0, 9, "i4"), tags=tags))


def test_16_bit_colours_lose_their_lower_bits_and_are_rejected_with_another_range() -> None:
    colours = np.stack([ramp(0, 65535, "u2")] * 3, 2)
    assert decoded(handmade_tiff(colours, photometric=2), "RGB")[1, 0].tolist() == RISING.tolist()
    with pytest.raises(
        ImageDecodeError, match=r"declares the range 0 to 4095 for colours of 16 bits, .*; save it as 8"
    ):
        decoded(handmade_tiff(colours, photometric=2, tags=declared(0, 4095)), "RGB")


def test_16_bit_colours_in_planes_are_rejected_unless_they_are_compressed() -> None:
    colours = np.stack([ramp(0, 65535, "u2")] * 3, 2)
    planes = {284: (SHORT, [2]), 273: (4, [8, 8 + 1024, 8 + 2048]), 279: (4, [1024] * 3)}
    with pytest.raises(ImageDecodeError, match="with a plane of 16 bits for each colour; save its colours together"):
        decoded(handmade_tiff(colours, photometric=2, data=colours.transpose(2, 0, 1).tobytes(), tags=planes), "RGB")


@pytest.mark.parametrize("lightness", [0, 50, 100])
def test_lab_of_no_colour_is_the_grey_of_that_lightness(lightness: int) -> None:
    """Grey in sRGB, by the CIE's lightness and the curve of sRGB."""
    samples = np.zeros((2, 2, 3), np.uint8)
    samples[..., 0] = round(lightness * 255 / 100)
    luminance = ((lightness + 16) / 116) ** 3 if lightness > 8 else lightness / 903.3
    curve = 12.92 * luminance if luminance <= 0.0031308 else 1.055 * luminance ** (1 / 2.4) - 0.055
    assert decoded(handmade_tiff(samples, photometric=8), "RGB").mean() == pytest.approx(255 * curve, abs=1.5)


def test_a_raw_file_of_a_camera_is_not_read_by_its_thumbnail() -> None:
    samples = ramp(0, 255, "u1")
    assert decoded(handmade_tiff(samples, tags={254: (SHORT, [0])})).shape == (1, 2, 256)
    with pytest.raises(ImageDecodeError, match=r"^is a TIFF with a thumbnail in front, .*; convert it to JPEG, PNG or"):
        decoded(handmade_tiff(samples, tags={254: (SHORT, [1])}))
