"""Loads a version folder: verifies its files, loads the model, and warms it up."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app.backends import Backend, BackendError, Predictor
from app.backends.malloc import trim_malloc
from models.curves import CURVES_FILE, Curves
from models.manifest import INTERVAL_FILES, Manifest, ManifestError
from models.uncertainty import SPREAD_OUTPUTS

NUMBER_TYPES = {"FP64": np.float64, "FP32": np.float32, "UINT8": np.uint8}
"""NumPy's type for each datatype of a manifest."""

WARM_UP_ROWS = (2, 1, 64)
"""Batch sizes of the warm-up. Two is first, as it fails where the batch axis is not free."""
WARM_UP_NUMBERS = 2**20
"""Maximum size of a warm-up batch in numbers, so that large images do not take gigabytes."""
WARM_UP_TIMES = 2
"""TorchScript profiles the first run and compiles in the second."""


@dataclass(eq=False)
class LoadedModel:
    """A loaded model. Requests in flight keep a reference, whatever the repository does meanwhile.

    ``with_intervals`` is the same model with ``SPREAD_OUTPUTS`` more outputs, which intervals are made of; None where
    it has no intervals. ``curves`` is the content of its ``curves.json``, None where it has none.
    """

    manifest: Manifest
    predict: Predictor
    with_intervals: Self | None = None
    curves: bytes | None = None


def load_model(folder: Path, key: tuple[str, int], backend: Backend) -> LoadedModel:
    """Verify, load and warm up the model of a version folder.

    Raises:
        ManifestError: the manifest or a file is missing, damaged, or in the wrong folder.
        BackendError: the backend cannot run the model, or its outputs do not match the manifest.
    """
    manifest = Manifest.read(folder)
    if (manifest.name, manifest.version) != key:
        raise ManifestError(
            f"{folder} has the manifest of '{manifest.name}' version {manifest.version}; move it to its own folder."
        )
    curves = _read_curves(folder, manifest)
    predict = _load_file(folder / backend.file, manifest, backend, manifest.outputs[0].shape[-1])
    if manifest.image is not None and not manifest.image.resize:
        predict = trim_malloc(predict)
    if manifest.uncertainty is None:
        return LoadedModel(manifest, predict, curves=curves)
    spread = _load_file(folder / INTERVAL_FILES[backend.file], manifest, backend, SPREAD_OUTPUTS)
    return LoadedModel(manifest, predict, LoadedModel(manifest, _side_by_side(predict, spread)), curves)


def _read_curves(folder: Path, manifest: Manifest) -> bytes | None:
    """The content of ``curves.json``, verified; None where the manifest lists none."""
    if CURVES_FILE not in manifest.files:
        return None
    content = manifest.read_file(folder, CURVES_FILE)
    try:
        Curves.model_validate_json(content)
    except ValidationError as error:
        raise ManifestError(f"{folder / CURVES_FILE} does not hold curves: {error.errors()[0]['msg']}.") from error
    return content


def _load_file(file: Path, manifest: Manifest, backend: Backend, outputs: int) -> Predictor:
    content = manifest.read_file(file.parent, file.name)
    try:
        predict = backend.load(content, manifest)
    except BackendError as error:
        raise BackendError(f"{file}: {error}") from error
    for shape in _warm_up_shapes(manifest):
        _warm_up(predict, manifest, shape, outputs, file)
    return predict


def _side_by_side(predict: Predictor, spread: Predictor) -> Predictor:
    """The outputs of both, ``(rows, outputs of one + outputs of the other)``."""

    def predict_both(inputs: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([predict(inputs), spread(inputs)], axis=1)

    return predict_both


def _warm_up_shapes(manifest: Manifest) -> list[list[int]]:
    """Shapes of the warm-up inputs. Where the image size is free, one has another size, to verify that it is."""
    shape, image = manifest.inputs[0].shape[1:], manifest.image
    if image is not None:
        shape = [shape[0], image.height, image.width]
    fitting = WARM_UP_NUMBERS // max(1, np.prod(shape, dtype=object))
    shapes = [[rows, *shape] for rows in dict.fromkeys(min(rows, max(2, fitting)) for rows in WARM_UP_ROWS)]
    if manifest.inputs[0].shape[-1] == -1:
        shapes.append([1, shape[0], shape[1] + 1, shape[2] + 2])
    return shapes


def _warm_up(predict: Predictor, manifest: Manifest, shape: list[int], width: int, file: Path) -> None:
    """Run the model, so that no client waits for its first run, and verify its outputs against the manifest."""
    expected, output = manifest.inputs[0], manifest.outputs[0]
    rows = shape[0]
    try:
        for _ in range(WARM_UP_TIMES):
            outputs = predict(np.ones(shape, NUMBER_TYPES[expected.datatype]))
    except Exception as error:  # runtimes raise exceptions of all kinds
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise BackendError(f"{file} fails on a trial input: {lines[0]}") from error
    if outputs.shape != (rows, width) or outputs.dtype != NUMBER_TYPES[output.datatype]:
        raise BackendError(
            f"{file} returns {outputs.dtype} of shape {outputs.shape}, the manifest declares {output.datatype} "
            f"of shape {(output.shape[0], width)}."
        )
