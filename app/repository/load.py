"""Loads a version folder: verifies its files, loads the model, and warms it up."""

import logging
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from app.backends import Backend, BackendError, Predictor
from app.backends.malloc import trim_malloc
from app.repository.warm_up import warm_up
from models.curves import CURVES_FILE, Curves
from models.manifest import INTERVAL_FILES, MANIFEST_FILE, ONNX_FILE, Manifest, ManifestError, Tensor
from models.uncertainty import SPREAD_OUTPUTS

logger = logging.getLogger(__name__)

STILL_SERVED = " The previously loaded model is still served."


@dataclass(eq=False)
class LoadedModel:
    """A loaded model. Requests in flight keep a reference, whatever the repository does meanwhile.

    ``with_intervals`` is the same model with ``SPREAD_OUTPUTS`` more outputs, which intervals are made of; None where
    it has no intervals. ``curves`` is the content of its ``curves.json``, None where it has none. ``folder`` is that of
    the version.
    """

    manifest: Manifest
    predict: Predictor
    with_intervals: Self | None = None
    curves: bytes | None = None
    folder: Path = Path()


def load_model(folder: Path, key: tuple[str, int], backend: Backend, *, rename: bool = False) -> LoadedModel:
    """Verify, load and warm up the model of a version folder.

    Args:
        folder: of the version.
        key: name and version.
        backend: loads the model.
        rename: whether the model gets the name of the key; else its manifest must have that name.

    Raises:
        ManifestError: the manifest or a file is missing, damaged, or in the wrong folder.
        BackendError: the backend cannot run the model, or its outputs do not match the manifest.
    """
    try:
        manifest = Manifest.read(folder)
    except ManifestError as error:
        if (folder / MANIFEST_FILE).exists() or not (folder / ONNX_FILE).exists():
            raise
        repair = (
            _import_elsewhere(key[0]) if rename else f"This makes it from {ONNX_FILE}: {import_command(folder, key)}"
        )
        raise ManifestError(f"{error} {repair}") from error
    if rename:
        manifest = manifest.model_copy(update={"name": key[0]})
    if (manifest.name, manifest.version) != key:
        raise ManifestError(
            f"{folder} has the manifest of '{manifest.name}' version {manifest.version}; move it to its own folder."
        )
    if backend.file not in manifest.files and ONNX_FILE in manifest.files:
        raise ManifestError(f"{folder} has no {backend.file}, as imported models do not; NALU_BACKEND=onnx serves it.")
    curves = _read_curves(folder, manifest)
    predict = _load_file(folder / backend.file, manifest, backend, manifest.outputs)
    if manifest.image is not None and not manifest.image.resize:
        predict = trim_malloc(predict)
    if manifest.uncertainty is None:
        return LoadedModel(manifest, predict, None, curves, folder)
    spread_outputs = [manifest.outputs[0].model_copy(update={"shape": [-1, SPREAD_OUTPUTS]})]
    spread = _load_file(folder / INTERVAL_FILES[backend.file], manifest, backend, spread_outputs)
    return LoadedModel(manifest, predict, LoadedModel(manifest, _side_by_side(predict, spread)), curves, folder)


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


def import_command(folder: Path, key: tuple[str, int]) -> str:
    """The command that makes the manifest of a version folder."""
    name, version = key
    options = ["--name", name, "--version", str(version), "--repository", str(folder.parents[1])]
    return shlex.join(["python", "-m", "training", "import", str(folder / ONNX_FILE), *options])


def _import_elsewhere(name: str) -> str:
    """How to make a model of an ONNX file that lies alone, perhaps where nothing can be written."""
    command = shlex.join(["python", "-m", "training", "import", ONNX_FILE, "--name", name])
    return f"This makes a folder with one, repository/{name}, which can take its place: {command}"


def _load_file(file: Path, manifest: Manifest, backend: Backend, outputs: Sequence[Tensor]) -> Predictor:
    content = manifest.read_file(file.parent, file.name)
    try:
        predict = backend.load(content, manifest)
    except BackendError as error:
        raise BackendError(f"{file}: {error}") from error
    warm_up(predict, manifest, outputs, file)
    return predict


def _side_by_side(predict: Predictor, spread: Predictor) -> Predictor:
    """The outputs of both, ``(rows, outputs of one + outputs of the other)``."""

    def predict_both(inputs: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([predict(inputs), spread(inputs)], axis=1)

    return predict_both


def damage_of(key: tuple[str, int], folder: Path, error: Exception, still_served: bool) -> str:
    """Log why a version folder is damaged, and return it as a sentence."""
    name, version = key
    if not isinstance(error, ManifestError | BackendError):
        logger.error("Loading '%s' version %d failed.", name, version, exc_info=error)
        error = BackendError(f"{folder} cannot be loaded: {type(error).__name__}; the log has the details.")
    reason = f"{error}{STILL_SERVED * still_served}"
    logger.error("Model '%s' version %d is damaged: %s", name, version, reason)
    return reason
