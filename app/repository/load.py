"""From a version folder to a model that is checked, loaded and warm."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.backends import Backend, BackendError, Predictor
from app.backends.malloc import trim_malloc
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
    for shape in _trial_shapes(manifest):
        _warm(predict, manifest, shape, folder / backend.file)
    if manifest.image is not None and not manifest.image.resize:
        predict = trim_malloc(predict)
    return Model(manifest, predict)


def _trial_shapes(manifest: Manifest) -> list[list[int]]:
    """Shapes of the trial inputs. Where the size of pictures is free, one has another size, which shows that it is."""
    shape, image = manifest.inputs[0].shape[1:], manifest.image
    if image is not None:
        shape = [shape[0], image.height, image.width]
    fitting = WARM_NUMBERS // max(1, np.prod(shape, dtype=object))
    shapes = [[rows, *shape] for rows in dict.fromkeys(min(rows, max(2, fitting)) for rows in WARM_ROWS)]
    if manifest.inputs[0].shape[-1] == -1:
        shapes.append([1, shape[0], shape[1] + 1, shape[2] + 2])
    return shapes


def _warm(predict: Predictor, manifest: Manifest, shape: list[int], file: Path) -> None:
    """Let the model answer, so that no client waits for what a first answer costs, and hold it to its promise."""
    expected, output = manifest.inputs[0], manifest.outputs[0]
    rows = shape[0]
    try:
        for _ in range(WARM_TIMES):
            answer = predict(np.ones(shape, NUMBER_TYPES[expected.datatype]))
    except Exception as error:  # whatever a runtime raises, this model is not fit to be served
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise BackendError(f"{file} fails on a trial input: {said[0]}") from error
    if answer.shape != (rows, output.shape[-1]) or answer.dtype != NUMBER_TYPES[output.datatype]:
        raise BackendError(
            f"{file} answers {answer.dtype} of shape {answer.shape}, the manifest promises {output.datatype} of shape "
            f"{tuple(output.shape)}."
        )
