"""time_decoders.py FOLDER ROUNDS: prints as JSON what each decoder needs for ``image.png`` and ``image.jpg``.

It runs where the decoders are installed, and imports nothing else. Every number is the least microseconds of processor
time over the rounds, in which all take turns.
"""

import ctypes.util
import io
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import files
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import kornia_rs
import numpy as np
import pyspng
import pywuffs.aux
import simplejpeg
from PIL import Image

Decode = Callable[[], Any]
PACKAGES = {
    "Pillow": "pillow",
    "simplejpeg": "simplejpeg",
    "PyTurboJPEG": "pyturbojpeg",
    "pyspng": "pyspng",
    "imagecodecs": "imagecodecs",
    "OpenCV": "opencv-python-headless",
    "kornia-rs": "kornia-rs",
    "pywuffs": "pywuffs",
}
REPEATS = 20


def main() -> None:
    """Measure and print."""
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    cv2.setNumThreads(1)
    times = measure(decoders((folder / "image.png").read_bytes(), (folder / "image.jpg").read_bytes()), rounds)
    found: dict[str, dict[str, Any]] = {name: {"megabytes": _megabytes(package)} for name, package in PACKAGES.items()}
    for (name, what), microseconds in times.items():
        found[name][what] = microseconds
    print(json.dumps(found))


def decoders(png: bytes, jpeg: bytes) -> dict[tuple[str, str], Decode]:
    """What is measured, by decoder and task."""
    return {**_of_png(png, np.frombuffer(png, np.uint8)), **_of_jpeg(jpeg, np.frombuffer(jpeg, np.uint8))}


def _of_png(content: bytes, array: Any) -> dict[tuple[str, str], Decode]:
    return {
        ("Pillow", "png"): lambda: _pillow(content, "L"),
        ("pyspng", "png"): lambda: pyspng.load(content),
        ("imagecodecs", "png"): lambda: imagecodecs.spng_decode(content),
        ("OpenCV", "png"): lambda: cv2.imdecode(array, cv2.IMREAD_GRAYSCALE),
        ("kornia-rs", "png"): lambda: kornia_rs.io.decode_image_png_u8(content, (28, 28), "mono"),
        ("pywuffs", "png"): lambda: _wuffs(content),
    }


def _of_jpeg(content: bytes, array: Any) -> dict[tuple[str, str], Decode]:
    """In grey, at a quarter in grey, and in colour."""

    def quarter() -> Any:
        return simplejpeg.decode_jpeg(content, "GRAY", min_height=120, min_width=160, min_factor=1)

    found: dict[tuple[str, str], Decode] = {
        ("Pillow", "grey"): lambda: _pillow(content, "L"),
        ("Pillow", "quarter"): lambda: _pillow(content, "L", 4),
        ("Pillow", "colour"): lambda: _pillow(content, "RGB"),
        ("simplejpeg", "grey"): lambda: simplejpeg.decode_jpeg(content, "GRAY"),
        ("simplejpeg", "quarter"): quarter,
        ("simplejpeg", "colour"): lambda: simplejpeg.decode_jpeg(content, "RGB"),
        ("imagecodecs", "grey"): lambda: imagecodecs.jpeg8_decode(content, outcolorspace="GRAYSCALE"),
        ("imagecodecs", "colour"): lambda: imagecodecs.jpeg8_decode(content),
        ("OpenCV", "grey"): lambda: cv2.imdecode(array, cv2.IMREAD_GRAYSCALE),
        ("OpenCV", "quarter"): lambda: cv2.imdecode(array, cv2.IMREAD_REDUCED_GRAYSCALE_4),
        ("OpenCV", "colour"): lambda: cv2.imdecode(array, cv2.IMREAD_COLOR),
        ("kornia-rs", "grey"): lambda: kornia_rs.io.decode_image_jpegturbo(content, "mono"),
        ("kornia-rs", "colour"): lambda: kornia_rs.io.decode_image_jpegturbo(content, "rgb"),
        ("pywuffs", "colour"): lambda: _wuffs(content),
    }
    if ctypes.util.find_library("turbojpeg"):
        import turbojpeg

        decoder = turbojpeg.TurboJPEG()
        found["PyTurboJPEG", "grey"] = lambda: decoder.decode(content, turbojpeg.TJPF_GRAY)
        found["PyTurboJPEG", "quarter"] = lambda: decoder.decode(content, turbojpeg.TJPF_GRAY, (1, 4))
        found["PyTurboJPEG", "colour"] = lambda: decoder.decode(content, turbojpeg.TJPF_RGB)
    return found


def _pillow(content: bytes, mode: str, scale: int = 1) -> Any:
    image = Image.open(io.BytesIO(content), formats=("PNG", "JPEG"))
    image.draft(mode, (image.width // scale, image.height // scale))
    return np.asarray(image)


def _wuffs(content: bytes) -> Any:
    result = pywuffs.aux.ImageDecoder(pywuffs.aux.ImageDecoderConfig()).decode(content)
    assert not result.error_message, result.error_message
    return np.asarray(result.pixbuf)


def measure(decoders: dict[tuple[str, str], Decode], rounds: int) -> dict[tuple[str, str], float]:
    """The least microseconds of each, in turns."""
    best = dict.fromkeys(decoders, float("inf"))
    for _ in range(rounds):
        for name, decode in decoders.items():
            decode()
            started = time.process_time()
            for _ in range(REPEATS):
                decode()
            best[name] = min(best[name], (time.process_time() - started) / REPEATS * 1e6)
    return {name: round(microseconds, 1) for name, microseconds in best.items()}


def _megabytes(package: str) -> float:
    sizes = [Path(str(file.locate())).stat().st_size for file in files(package) or () if file.locate().is_file()]  # type: ignore[attr-defined]
    return round(sum(sizes) / 1e6, 1)


if __name__ == "__main__":
    main()
