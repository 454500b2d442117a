"""Requests of the Open Inference Protocol, and the form of every error under /v2."""

import json
from typing import Any

import numpy as np
from httpx import Response
from numpy.typing import NDArray

from app.codecs.v2.inputs import HEADER_LENGTH
from app.codecs.v2.request import InferenceRequest, decode
from app.settings import Settings
from models.manifest import Manifest
from tests.app.factory import TestClient, image_manifest, manifest_of

LONGEST_ERROR = 500
ROWS = np.array([[3.0, 4.0], [1000.0, -250.0]])
SUM = Manifest.model_validate(manifest_of("sum", 1))
BRIGHTNESS = Manifest.model_validate(image_manifest("brightness", "brightness"))
SHADE = Manifest.model_validate(image_manifest("shade", "classes"))
STRICT = Manifest.model_validate(image_manifest("strict", "brightness", fixed=True))
FREE = Manifest.model_validate(image_manifest("free", "brightness", resize=False))


def tensor(rows: NDArray[Any] = ROWS, **changes: Any) -> dict[str, Any]:
    """An input in JSON form, with some members changed; None leaves one out."""
    datatype = {"float64": "FP64", "float32": "FP32", "uint8": "UINT8"}[rows.dtype.name]
    members = {"name": "input", "shape": list(rows.shape), "datatype": datatype, "data": rows.ravel().tolist()}
    return {name: value for name, value in (members | changes).items() if value is not None}


def body(*inputs: dict[str, Any], **members: Any) -> bytes:
    return json.dumps({"inputs": list(inputs or [tensor()]), **members}).encode()


def binary(rows: NDArray[Any] = ROWS, *, size: int | None = None, **members: Any) -> tuple[bytes, str]:
    """A body whose tensor follows the JSON in binary, and the length of the JSON."""
    content = rows.tobytes()
    given = tensor(rows, data=None, parameters={"binary_data_size": len(content) if size is None else size})
    header = body(given, **members)
    return header + content, str(len(header))


def read(
    content: bytes, header_length: str | None = None, manifest: Manifest = SUM, **settings: Any
) -> InferenceRequest:
    return decode(content, header_length, manifest, Settings(**settings))


def infer(client: TestClient, model: str, content: bytes, header_length: str | None = None, **headers: str) -> Response:
    length = {} if header_length is None else {HEADER_LENGTH: header_length}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response: Response = client.post(f"/v2/models/{model}/infer", content=content, headers=length | named)
    return response


def expect_error(response: Response, status: int, error: str | None = None) -> str:
    """Assert that the response is the protocol's error of that status, with that exact text where one is given."""
    assert response.status_code == status, response.text[:LONGEST_ERROR]
    assert response.headers["content-type"] == "application/json"
    content = response.json()
    assert list(content) == ["error"]
    found: str = content["error"]
    assert 0 < len(found) <= LONGEST_ERROR
    if error is not None:
        assert found == error
    return found
