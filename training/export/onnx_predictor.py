"""An exported model as it is served: its ONNX file, through ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.manifest import ONNX_FILE, Manifest
from training.data.collate import Predict


def onnx_predictor(folder: Path, manifest: Manifest) -> Predict:
    """What computes a batch as the service would on a CPU.

    Args:
        folder: of the version.
        manifest: of the same.

    Raises:
        ManifestError: the file is missing, or not the one whose hash the manifest gives.
    """
    session = onnxruntime.InferenceSession(manifest.read_file(folder, ONNX_FILE), providers=["CPUExecutionProvider"])

    def predict(inputs: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(session.run(None, {manifest.inputs[0].name: inputs})[0])

    return predict
