"""Training and serving see the same pixels: both decode with this file."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.images import decode
from training.data.pictures import read_pictures


def transparent() -> Image.Image:
    picture = Image.new("RGBA", (6, 4), (0, 0, 0, 0))
    picture.putpixel((1, 1), (0, 0, 0, 255))
    return picture


def turned() -> Image.Image:
    picture = Image.new("L", (6, 4), 7)
    picture.getexif()[0x0112] = 6
    return picture


PICTURES = {
    "transparent": transparent(),
    "sixteen-bits": Image.fromarray((np.arange(24, dtype=np.uint16) * 2048).reshape(4, 6)),
    "turned": turned(),
    "palette": Image.new("RGB", (6, 4), (200, 30, 60)).quantize(4),
}


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES)
def test_training_reads_what_the_service_decodes(tmp_path: Path, picture: Image.Image, mode: str) -> None:
    content = io.BytesIO()
    picture.save(content, "PNG", exif=picture.getexif())
    (tmp_path / "a.png").write_bytes(content.getvalue())
    (tmp_path / "labels.csv").write_text("file,label\na.png,1\na.png,2\n")
    trained = read_pictures(tmp_path / "labels.csv", tmp_path, "regression", mode).pictures[0]
    served = decode(content.getvalue(), "File 0", mode, 1000)
    assert trained.shape[1:] == ((6, 4) if picture is PICTURES["turned"] else (4, 6))
    np.testing.assert_array_equal(trained, served)


def test_transparency_is_white_and_sixteen_bits_are_scaled(tmp_path: Path) -> None:
    for name, expected in (("transparent", {0, 255}), ("sixteen-bits", set(range(0, 192, 8)))):
        content = io.BytesIO()
        PICTURES[name].save(content, "PNG")
        assert set(decode(content.getvalue(), "File 0", "L", 1000).ravel().tolist()) == expected
