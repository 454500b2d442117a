"""Small images as bytes, sound and otherwise, and the one way to upload them."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from httpx import Response
from numpy.typing import NDArray
from PIL import Image

from models.decoding import format_names
from tests.app.factory import TestClient

ORIENTATION = 0x0112
"""The EXIF tag."""
UNSUPPORTED_IMAGE = f"{{}} is not a whole {format_names()} image; convert or replace it."


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def grey(value: int, height: int = 4, width: int = 6, kind: str = "PNG", **options: Any) -> bytes:
    """An image of one grey."""
    return encode(Image.new("L", (width, height), value), kind, **options)


def png(pixels: NDArray[Any], **options: Any) -> bytes:
    return encode(Image.fromarray(pixels), **options)


def exif_entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    """One entry of an EXIF folder; a value of up to four bytes lies in the entry itself."""
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")


def exif_of(*entries: bytes, data: bytes = b"") -> bytes:
    """EXIF as cameras write it, with an orientation of 6 (turn clockwise) besides the entries."""
    folder = sorted([*entries, exif_entry(ORIENTATION, 3, 1, b"\6\0")], key=lambda entry: entry[1::-1])
    head = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(folder))
    return head + b"".join(folder) + b"\0\0\0\0" + data


def oriented(image: Image.Image, orientation: int, kind: str, **options: Any) -> bytes:
    """The image as stored, with an EXIF tag for its orientation."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encode(image, kind, exif=exif, **options)


def claimed_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header claims that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def noise(height: int, width: int, channels: int | None = None) -> NDArray[np.uint8]:
    shape = (height, width) if channels is None else (height, width, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def upload(client: TestClient, model: str, *contents: bytes, **fields: str) -> Response:
    files = [("files", (f"{index}.bin", content)) for index, content in enumerate(contents)]
    response: Response = client.post("/predict/image", data={"model": model} | fields, files=files)
    return response


def values(response: Response) -> list[float]:
    """The answers of a regression model."""
    assert response.status_code == 200, response.text
    return [prediction["value"] for prediction in response.json()["predictions"]]
