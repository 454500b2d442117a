"""The default models, inputs for each of them, and what /predict responds to these."""

import io
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.manifest import Manifest
from tests.end_to_end.server import HTTP, ROOT, Server

REPOSITORY = ROOT / "repository"
NAMES = sorted(folder.name for folder in REPOSITORY.iterdir() if folder.is_dir())
ROWS = 140
"""Rows of arithmetic: enough for a compressed response, few enough for all requests to fit the queue at once."""


@cache
def manifest_of(name: str) -> Manifest:
    return Manifest.read(max((REPOSITORY / name).iterdir(), key=lambda folder: int(folder.name)))


@cache
def inputs_of(name: str) -> NDArray[Any]:
    random = np.random.default_rng(0)
    manifest = manifest_of(name)
    if manifest.image is None:
        return random.uniform(0.5, 50, (ROWS, len(manifest.columns)))
    channels = manifest.inputs[0].shape[1]
    return random.integers(0, 256, (3, channels, 40, 32), dtype=np.uint8)


def predicted(server: Server, name: str) -> NDArray[Any]:
    """The predictions of /predict for the same inputs."""
    manifest, inputs = manifest_of(name), inputs_of(name)
    if manifest.image is None:
        response = HTTP.post(f"{server.url}/predict/arithmetic", json={"model": name, "inputs": inputs.tolist()})
        return np.array(response.json()["predictions"])
    files = [("files", (f"{index}.png", png(image))) for index, image in enumerate(inputs)]
    response = HTTP.post(f"{server.url}/predict/image", data={"model": name}, files=files)
    predictions = response.json()["predictions"]
    return np.array(
        [list(one["probabilities"].values()) if manifest.classes else [one["value"]] for one in predictions]
    )


def png(image: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(content, "PNG")
    return content.getvalue()


def labels_of(labels: tuple[str, ...]) -> list[int]:
    classes = manifest_of("digit").classes
    assert classes is not None
    return [classes.index(label) for label in labels]
