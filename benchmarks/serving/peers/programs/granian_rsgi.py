"""Granian's own interface, RSGI, with pydantic's checks of a request and ONNX Runtime in line, and nothing else.

``granian --interface rsgi benchmarks.serving.peers.programs.granian_rsgi:app``
"""

from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from benchmarks.serving.peers.programs import models

JSON = [("content-type", "application/json")]
SESSIONS = {name: models.load(name) for name in (models.ROWS, models.IMAGES)}


class TabularRequest(BaseModel):
    """The body of a request for rows."""

    model: str
    inputs: list[list[float]]


async def app(scope: Any, protocol: Any) -> None:
    """Answer one request."""
    predict = ROUTES.get(scope.path)
    if predict is None:
        protocol.response_empty(404, [])
        return
    body = await protocol()
    try:
        predictions = predict(body)
    except ValidationError as error:
        protocol.response_str(422, JSON, error.json())
    else:
        protocol.response_bytes(200, JSON, to_json({"predictions": predictions}))


def predict_rows(body: bytes) -> list[list[float]]:
    """Of rows of numbers."""
    request = TabularRequest.model_validate_json(body)
    predictions: list[list[float]] = models.predict_rows(SESSIONS[request.model], request.inputs).tolist()
    return predictions


def predict_images(body: bytes) -> list[dict[str, Any]]:
    """Of image files in a form."""
    model, files = models.form(body)
    return models.predict_images(SESSIONS[model], files)


ROUTES = {"/predict/arithmetic": predict_rows, "/predict/image": predict_images}
