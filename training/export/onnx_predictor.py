"""An exported model as it is served: its ONNX file in ONNX Runtime."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.arrays import Predict
from models.manifest import ONNX_FILE, Manifest


def onnx_predictor(folder: Path, manifest: Manifest) -> Predict:
    """Predictions as the service computes them on a CPU.

    Args:
        folder: the version folder.
        manifest: its manifest.

    Raises:
        ManifestError: the file is missing, or its hash is not the manifest's.
    """
    session = onnxruntime.InferenceSession(manifest.read_file(folder, ONNX_FILE), providers=["CPUExecutionProvider"])

    def predict(inputs: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(session.run(None, {manifest.inputs[0].name: inputs})[0])

    return predict
