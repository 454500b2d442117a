"""The baseline: a minimal server of FastAPI and ONNX Runtime, for the same models and requests.

``app`` is written with ``def``, as FastAPI's documentation advises for blocking code. ``async_app`` is
the same with ``async def``, which holds the event loop while it predicts, and for models as small as these is faster.
Both have one session a model with one thread, as there is one core, and pydantic writes the answer. What they leave out
is what the service adds: checks of the numbers, versions, limits, a queue, metrics.

``uvicorn benchmarks.serving.fastapi_baseline:app``; ``NALU_REPOSITORY`` names the folder of the models.
"""

import os
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from fastapi import FastAPI, Form, UploadFile
from PIL import Image
from pydantic import BaseModel

REPOSITORY = Path(os.environ.get("NALU_REPOSITORY", "repository"))
MODELS = ("multiply", "digit")
CLASSES = [str(digit) for digit in range(10)]


def load(name: str) -> Any:
    """One session with one thread, and ONNX Runtime without its telemetry, as in the service."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(REPOSITORY / name / "1" / "model.onnx", options)


class TabularRequest(BaseModel):
    """The body of a request."""

    model: str
    inputs: list[list[float]]


sessions = {name: load(name) for name in MODELS}
app, async_app = FastAPI(), FastAPI()


@app.post("/predict/arithmetic")
def predict_arithmetic(body: TabularRequest) -> dict[str, list[list[float]]]:
    """TabularRequest of numbers."""
    inputs = np.array(body.inputs, dtype=np.float64)
    (outputs,) = sessions[body.model].run(None, {"input": inputs})
    return {"predictions": outputs.tolist()}


@app.post("/predict/image")
def predict_image(model: Annotated[str, Form()], files: list[UploadFile]) -> dict[str, list[dict[str, object]]]:
    """Images, one prediction each."""
    predictions: list[dict[str, object]] = []
    for file in files:
        pixels = np.asarray(Image.open(file.file).convert("L"))[None, None]
        (outputs,) = sessions[model].run(None, {"input": pixels})
        probabilities = dict(zip(CLASSES, outputs[0].tolist(), strict=True))
        predictions.append({"label": CLASSES[int(outputs[0].argmax())], "probabilities": probabilities})
    return {"predictions": predictions}


@async_app.post("/predict/arithmetic")
async def predict_arithmetic_at_once(body: TabularRequest) -> dict[str, list[list[float]]]:
    """TabularRequest of numbers."""
    return predict_arithmetic(body)


@async_app.post("/predict/image")
async def predict_image_at_once(
    model: Annotated[str, Form()], files: list[UploadFile]
) -> dict[str, list[dict[str, object]]]:
    """Images, one prediction each."""
    return predict_image(model, files)
