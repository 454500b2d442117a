"""Whether the service's answers to JPEGs are those of a full decode, over the whole set of drawn images."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from PIL import Image

from app.codecs.images import MIN_REDUCED_PROBABILITY
from benchmarks.decoding.drawn_images import KINDS, draw
from benchmarks.serving.bodies import image_request
from benchmarks.serving.fastapi_baseline import load
from benchmarks.serving.servers import Server, ask
from models.arrays import ByteArray, FloatArray
from models.decoding import EncodedImage

MODELS = ("digit", "digit-value")
"""Those that resize: a classifier, which may be asked a reduced image first, and a regression."""
SIDE = 28
SIZES = (
    *((96, 96), (160, 120), (230, 230), (320, 240), (480, 640)),
    *((640, 480), (800, 600), (1280, 720), (2400, 600), (1500, 2000)),
)
QUALITIES = (30, 50, 75, 85, 95)
SAMPLINGS = {"grey": None, "4:4:4": 0, "4:2:0": 2}
"""How colour is stored, and Pillow's number of it."""
LARGEST_DIFFERENCE = 0.01


@dataclass
class KindResult:
    """What was seen of the images of one kind.

    Attributes:
        files: how many.
        sure: share that the classifier answered from a reduced image.
        digit: largest difference of a probability from that of a full decode.
        value: likewise of the value of the regression.
        always_reduced: the largest difference of a probability if every image had been reduced.
    """

    files: int = 0
    sure: float = 0.0
    digit: float = 0.0
    value: float = 0.0
    always_reduced: float = 0.0


def measure(service: Server, sizes: tuple[tuple[int, int], ...], qualities: tuple[int, ...]) -> dict[str, Any]:
    """Ask the service about every file, and the models themselves about its full decode."""
    sessions = {name: load(name) for name in MODELS}
    found = {}
    for kind in KINDS:
        result = found[kind] = KindResult()
        for content in files(kind, sizes, qualities):
            full = np.asarray(Image.open(io.BytesIO(content)).convert("L"))[None]
            expected = {name: _predict(sessions[name], full) for name in MODELS}
            reduced = EncodedImage(content)
            sure = False
            if reduced.can_reduce(SIDE):
                at_once = _predict(sessions["digit"], reduced.decode("L", SIDE))
                sure = bool(at_once.max() >= MIN_REDUCED_PROBABILITY)
                result.always_reduced = max(result.always_reduced, _difference(at_once, expected["digit"]))
                if sure:  # whether or not the service tries a reduced image just now
                    result.digit = max(result.digit, _difference(at_once, expected["digit"]))
            result.files += 1
            result.sure += sure
            result.digit = max(result.digit, _difference(_answer(service, content, "digit"), expected["digit"]))
            value = _answer(service, content, "digit-value")
            result.value = max(result.value, _difference(value, expected["digit-value"]))
        result.sure /= result.files
        print(f"{kind}: {result}", flush=True)
    return {kind: asdict(result) for kind, result in found.items()}


def files(kind: str, sizes: tuple[tuple[int, int], ...], qualities: tuple[int, ...]) -> Iterator[bytes]:
    """JPEGs of one kind: every size in every quality, grey and in colours stored in both ways."""
    for seed, size in enumerate(sizes):
        image = draw(kind, *size, seed)
        for quality, sampling in product(qualities, SAMPLINGS.values()):
            with io.BytesIO() as file:
                if sampling is None:
                    image.convert("L").save(file, "JPEG", quality=quality)
                else:
                    image.save(file, "JPEG", quality=quality, subsampling=sampling)
                yield file.getvalue()


def _predict(session: Any, pixels: ByteArray) -> FloatArray:
    return np.asarray(session.run(None, {"input": pixels[None]})[0][0], np.float64)


def _answer(service: Server, content: bytes, model: str) -> FloatArray:
    status, body = ask(service.port, image_request([content], model))
    if status != 200:
        raise SystemExit(f"The service answered {status}: {body[:300]!r}")
    (prediction,) = json.loads(body)["predictions"]
    return np.array([prediction["value"]] if "value" in prediction else list(prediction["probabilities"].values()))


def _difference(found: FloatArray, expected: FloatArray) -> float:
    return float(np.abs(found - expected).max())
