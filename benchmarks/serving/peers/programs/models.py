"""What the other servers answer with: the same model files in ONNX Runtime, and Pillow.

One session a model with one thread, as in the service and its baseline. Each server adds HTTP, and its own checks.
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROWS, IMAGES = "multiply", "digit"
"""The models that are asked."""
CLASSES = [str(digit) for digit in range(10)]


def load(name: str) -> Any:
    """A session; ``NALU_REPOSITORY`` names the folder of the models."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    folder = Path(os.environ.get("NALU_REPOSITORY", "repository"))
    return onnxruntime.InferenceSession(folder / name / "1" / "model.onnx", options)


def predict_rows(session: Any, inputs: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Rows of numbers, (rows, columns); the answer is (rows, outputs)."""
    outputs: NDArray[np.float64] = session.run(None, {"input": np.array(inputs, dtype=np.float64)})[0]
    return outputs


def predict_image(session: Any, content: bytes) -> dict[str, Any]:
    """An image file: its label, and the probability of every label."""
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("L"))[None, None]
    [probabilities] = session.run(None, {"input": pixels})[0]
    label = CLASSES[int(probabilities.argmax())]
    return {"label": label, "probabilities": dict(zip(CLASSES, probabilities.tolist(), strict=True))}


def form(body: bytes) -> tuple[str, list[bytes]]:
    """The model's name and the image files in a multipart form; its boundary is what it begins with."""
    from multipart import MultipartParser

    boundary = body[2 : body.index(b"\r\n")].decode()
    parts = list(MultipartParser(io.BytesIO(body), boundary))
    [model] = (part.value for part in parts if part.name == "model")
    return model, [part.raw for part in parts if part.name == "files"]
