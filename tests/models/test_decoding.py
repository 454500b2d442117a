"""Training and serving decode to the same pixels."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.codecs.uploads import Upload
from models.decoding import EncodedImage, decode_pixels
from training.data.image_folder import read_image_folder


def transparent() -> Image.Image:
    image = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    image.putpixel((1, 1), (0, 0, 0, 255))
    return image


def turned() -> Image.Image:
    image = Image.new("L", (6, 4), 7)
    image.getexif()[0x0112] = 6
    return image


IMAGES = {
    "transparent": transparent(),
    "sixteen-bits": Image.fromarray((np.arange(24, dtype=np.uint16) * 2048).reshape(4, 6)),
    "turned": turned(),
    "palette": Image.new("RGB", (6, 4), (200, 30, 60)).quantize(4),
}


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_training_and_the_service_decode_the_same_pixels(tmp_path: Path, image: Image.Image, mode: str) -> None:
    content = io.BytesIO()
    image.save(content, "PNG", exif=image.getexif())
    (tmp_path / "a.png").write_bytes(content.getvalue())
    (tmp_path / "labels.csv").write_text("file,label\na.png,1\na.png,2\n")
    trained = read_image_folder(tmp_path / "labels.csv", tmp_path, "regression", mode).images[0]
    served = Upload(content.getvalue(), "File 0", 1000).decode(mode)
    assert trained.shape[1:] == ((6, 4) if image is IMAGES["turned"] else (4, 6))
    np.testing.assert_array_equal(trained, served)


def test_transparency_is_white_and_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    for name, expected in (("transparent", {0, 255}), ("sixteen-bits", set(range(0, 192, 8)))):
        content = io.BytesIO()
        IMAGES[name].save(content, "PNG")
        assert set(Upload(content.getvalue(), "File 0", 1000).decode("L").ravel().tolist()) == expected


def jpeg(image: Image.Image) -> Image.Image:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=95)
    return Image.open(content)


@pytest.mark.parametrize(
    ("size", "needed", "expected"),
    [
        ((640, 480), 28, (60, 80)),  # an eighth: 80 x 60 is more than 2 times 28 either way
        ((640, 480), 100, (240, 320)),
        ((640, 480), 121, (480, 640)),
        ((230, 230), 28, (58, 58)),
        ((100, 60), 28, (60, 100)),
        ((2000, 300), 28, (75, 500)),  # the shorter side decides
    ],
)
def test_a_jpeg_is_decoded_at_a_fraction_of_at_least_twice_the_needed_size(
    size: tuple[int, int], needed: int, expected: tuple[int, int]
) -> None:
    content = io.BytesIO()
    Image.new("RGB", size, (200, 100, 50)).save(content, "JPEG")
    assert EncodedImage(content.getvalue()).can_reduce(needed) == (expected != size[::-1])
    assert EncodedImage(content.getvalue()).decode("L", needed).shape[1:] == expected
    assert EncodedImage(content.getvalue()).decode("L").shape[1:] == size[::-1]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_jpeg_decoded_at_a_fraction_resizes_to_the_same_pixels(mode: str) -> None:
    rows, columns = np.mgrid[0:480, 0:640]
    waves = np.stack([127 + 120 * np.sin(rows / p) * np.cos(columns / (p + 9)) for p in (40, 60, 90)], axis=2)
    image = Image.fromarray(waves.astype(np.uint8))
    shown = [
        np.stack([np.asarray(Image.fromarray(channel).resize((28, 28), Image.Resampling.BILINEAR)) for channel in all_])
        for all_ in (decode_pixels(jpeg(image), mode), decode_pixels(jpeg(image), mode, 28))
    ]
    assert np.abs(shown[0].astype(int) - shown[1]).max() <= 3


def test_a_png_is_decoded_at_full_size_whatever_is_needed() -> None:
    content = io.BytesIO()
    Image.new("L", (640, 480), 9).save(content, "PNG")
    assert decode_pixels(Image.open(content), "L", 28).shape == (1, 480, 640)
