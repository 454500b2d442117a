"""The request bodies: rows of numbers, and image files of drawn digits."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

BOUNDARY = "nalu-serve-benchmark"
NOISE = 12
"""Standard deviation of the noise in the JPEG, in grey levels: it makes the file as large as a photograph's."""


@dataclass(frozen=True)
class Body:
    """A request body and the path that it is posted to."""

    path: str
    content_type: str
    content: bytes


def arithmetic(inputs: Sequence[Sequence[float]], model: str = "multiply", **more: object) -> Body:
    """Rows of numbers for ``POST /predict/arithmetic``."""
    content = json.dumps({"model": model, "inputs": inputs, **more}, separators=(",", ":")).encode()
    return Body("/predict/arithmetic", "application/json", content)


def image_request(files: Sequence[bytes], model: str = "digit") -> Body:
    """Image files for ``POST /predict/image``."""
    field = 'Content-Disposition: form-data; name="{}"'.format
    file = f'{field("files")}; filename="image"\r\nContent-Type: application/octet-stream\r\n\r\n'.encode()
    parts = [f"{field('model')}\r\n\r\n{model}".encode(), *(file + content for content in files)]
    start = f"--{BOUNDARY}\r\n".encode()
    content = b"".join(start + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()
    return Body("/predict/image", f"multipart/form-data; boundary={BOUNDARY}", content)


def rows(count: int, seed: int = 0) -> list[list[float]]:
    """Pairs of numbers from -10 to 10 with four decimals."""
    drawn = np.random.default_rng(seed).uniform(-10, 10, (count, 2)).round(4)
    return [[float(value) for value in row] for row in drawn]


def draw(digit: int, width: int, height: int) -> Image.Image:
    """A digit in strokes, light on dark, as wide as 3/5 of the height: 0 to 3, the rest from their strokes."""
    image = Image.new("L", (width, height))
    pen, stroke = ImageDraw.Draw(image), max(2, height // 10)
    left, right, top, bottom = width / 2 - height * 0.25, width / 2 + height * 0.25, height * 0.12, height * 0.88
    middle = (top + bottom) / 2
    if digit == 0:
        pen.ellipse((left, top, right, bottom), outline=255, width=stroke)
    elif digit == 1:
        pen.line((width / 2, top, width / 2, bottom), fill=255, width=stroke)
    elif digit == 2:
        pen.arc((left, top, right, middle), 180, 90, fill=255, width=stroke)
        pen.line((width / 2, middle, left, bottom, right, bottom), fill=255, width=stroke)
    else:
        pen.arc((left, top, right, middle), 180, 90, fill=255, width=stroke)
        pen.arc((left, middle, right, bottom), 270, 180, fill=255, width=stroke)
    return image


def png(digit: int = 3, width: int = 28, height: int = 28) -> bytes:
    """A drawn digit as a PNG file."""
    return _file(draw(digit, width, height), "PNG")


def jpeg(digit: int = 3, width: int = 640, height: int = 480, seed: int = 0) -> bytes:
    """A drawn digit in colour with noise on it, as a JPEG file of a photograph's size."""
    clean = np.asarray(draw(digit, width, height).convert("RGB"), np.float64)
    noise = np.random.default_rng(seed).normal(0, NOISE, clean.shape[:2])[:, :, None]
    noisy = np.clip(clean + noise, 0, 255).astype(np.uint8)
    return _file(Image.fromarray(noisy), "JPEG", quality=75)


def _file(image: Image.Image, kind: str, **options: int) -> bytes:
    with io.BytesIO() as file:
        image.save(file, kind, **options)
        return file.getvalue()
