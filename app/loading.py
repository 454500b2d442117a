"""From a version folder to a model that is checked, loaded and warm."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.backends import Backend, BackendError, Predictor
from models.manifest import Manifest, ManifestError

NUMBER_TYPES = {"FP64": np.float64, "FP32": np.float32, "UINT8": np.uint8}
"""NumPy's type for each datatype of a manifest."""

WARM_ROWS = (2, 1, 64)
"""Sizes of the batches that a new model computes before it is served. Two first: it shows a batch that is not free."""
WARM_NUMBERS = 2**20
"""Most numbers in such a batch, so that large pictures are not warmed by the gigabyte."""
WARM_TIMES = 2
"""TorchScript watches the first run and compiles in the second."""


@dataclass(eq=False)
class Model:
    """A model that is served. Requests in flight keep theirs, whatever the repository does meanwhile."""

    manifest: Manifest
    predict: Predictor
    queues: dict[tuple[int, ...], Any] = field(default_factory=dict)
    """Batches that are being gathered, by the shape of one input."""


def load_model(folder: Path, key: tuple[str, int], backend: Backend) -> Model:
    """Check, load and warm the model of a version folder.

    Raises:
        ManifestError: the manifest or a file is missing, damaged or not what its place says.
        BackendError: the backend cannot run the model, or it does not answer as the manifest promises.
    """
    manifest = Manifest.read(folder)
    if (manifest.name, manifest.version) != key:
        raise ManifestError(
            f"{folder} holds the manifest of '{manifest.name}' version {manifest.version}; move it to its own folder."
        )
    content = manifest.read_file(folder, backend.file)
    try:
        predict = backend.load(content, manifest)
    except BackendError as error:
        raise BackendError(f"{folder / backend.file}: {error}") from error
    for rows in _warm_sizes(manifest):
        _warm(predict, manifest, rows, folder / backend.file)
    return Model(manifest, predict)


def _shape(manifest: Manifest) -> list[int]:
    """Shape of one trial input. Of pictures, height and width may be free."""
    image = manifest.image
    free = [0, image.height, image.width] if image else []
    return [free[axis] if size == -1 else size for axis, size in enumerate(manifest.inputs[0].shape[1:])]


def _warm_sizes(manifest: Manifest) -> list[int]:
    fitting = WARM_NUMBERS // max(1, np.prod(_shape(manifest), dtype=object))
    return list(dict.fromkeys(min(rows, max(2, fitting)) for rows in WARM_ROWS))


def _warm(predict: Predictor, manifest: Manifest, rows: int, file: Path) -> None:
    """Let the model answer, so that no client waits for what a first answer costs, and hold it to its promise."""
    expected, output = manifest.inputs[0], manifest.outputs[0]
    try:
        for _ in range(WARM_TIMES):
            answer = predict(np.ones([rows, *_shape(manifest)], NUMBER_TYPES[expected.datatype]))
    except Exception as error:  # whatever a runtime raises, this model is not fit to be served
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise BackendError(f"{file} fails on a trial input: {said[0]}") from error
    if answer.shape != (rows, output.shape[-1]) or answer.dtype != NUMBER_TYPES[output.datatype]:
        raise BackendError(
            f"{file} answers {answer.dtype} of shape {answer.shape}, the manifest promises {output.datatype} of shape "
            f"{tuple(output.shape)}."
        )
