"""An exported model as it is served: its ONNX file in ONNX Runtime."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays import Predict
from models.manifest import ONNX_FILE, Manifest

TELEMETRY_VARIABLE = "ORT_DISABLE_TELEMETRY"
"""ONNX Runtime's own variable, which it reads once, when it is imported."""


def cpu_session(model: bytes | Path) -> Any:
    """An ONNX Runtime session on the CPU, without ONNX Runtime's telemetry unless the environment says otherwise.

    Its builds for Linux and macOS otherwise look up a telemetry host and write a device id and a database below the
    home folder, both from their import on. No other file of training imports it.
    """
    if not os.environ.get(TELEMETRY_VARIABLE):
        os.environ[TELEMETRY_VARIABLE] = "1"
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what fails is raised
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnx_predictor(folder: Path, manifest: Manifest) -> Predict:
    """Predictions as the service computes them on a CPU.

    Args:
        folder: the version folder.
        manifest: its manifest.

    Raises:
        ManifestError: the file is missing, or its hash is not the manifest's.
    """
    session = cpu_session(manifest.read_file(folder, ONNX_FILE))

    def predict(inputs: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(session.run(None, {manifest.inputs[0].name: inputs})[0])

    return predict
