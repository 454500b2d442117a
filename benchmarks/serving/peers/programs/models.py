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


def predict_images(session: Any, contents: Sequence[bytes]) -> list[dict[str, Any]]:
    """Image files, in one batch where they are of one size: their labels, and the probabilities of every label."""
    from PIL import Image

    images = [np.asarray(Image.open(io.BytesIO(content)).convert("L"))[None] for content in contents]
    is_batch = len({image.shape for image in images}) == 1
    batches = [np.stack(images)] if is_batch else [image[None] for image in images]
    outputs = [output for batch in batches for output in session.run(None, {"input": batch})[0]]
    return [
        {"label": CLASSES[int(output.argmax())], "probabilities": dict(zip(CLASSES, output.tolist(), strict=True))}
        for output in outputs
    ]


def form(body: bytes) -> tuple[str, list[bytes]]:
    """The model's name and the image files in a multipart form; its boundary is what it begins with."""
    from multipart import MultipartParser

    boundary = body[2 : body.index(b"\r\n")].decode()
    parts = list(MultipartParser(io.BytesIO(body), boundary))
    [model] = (part.value for part in parts if part.name == "model")
    return model, [part.raw for part in parts if part.name == "files"]
