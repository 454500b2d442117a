"""A prediction to the bytes of a response.

JSON has no NaN and no infinity: non-finite values are ``null`` in JSON, as under /predict, and the output's parameter
``not_finite`` reports them, so that a row neither fails the others of its batch nor fails silently. Binary outputs
carry the IEEE 754 values unchanged.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from app.codecs.v2.classification import BYTES, bytes_element, classify
from app.codecs.v2.request import InferenceRequest
from app.codecs.v2.tensors import NUMBER_TYPES, all_finite
from models.manifest import Manifest


def encode(prediction: NDArray[Any], request: InferenceRequest, manifest: Manifest) -> tuple[bytes, int | None]:
    """The body of the response, and the length of its JSON if binary data follows it."""
    datatype, values = output_values(prediction, request, manifest)
    output: dict[str, Any] = {"name": manifest.outputs[0].name, "datatype": datatype, "shape": list(values.shape)}
    if not request.binary:
        if not request.classes:
            output |= _warning(prediction)
        output["data"] = values.ravel().tolist()
        return _header(output, request, manifest), None
    content = to_bytes(values, datatype)
    output["parameters"] = {"binary_data_size": len(content)}
    header = _header(output, request, manifest)
    return header + content, len(header)


def _header(output: dict[str, Any], request: InferenceRequest, manifest: Manifest) -> bytes:
    response: dict[str, Any] = {"model_name": manifest.name, "model_version": str(manifest.version)}
    if request.id is not None:
        response["id"] = request.id
    response["outputs"] = [output]
    return to_json(response, inf_nan_mode="null")


def output_values(prediction: NDArray[Any], request: InferenceRequest, manifest: Manifest) -> tuple[str, NDArray[Any]]:
    """Datatype and values of the output: the prediction, or its classes where the request asks for some."""
    if request.classes:
        return BYTES, classify(prediction, request.classes, manifest)
    return manifest.outputs[0].datatype, prediction


def to_bytes(values: NDArray[Any], datatype: str) -> bytes:
    """The binary form of a tensor."""
    if datatype == BYTES:
        return b"".join(bytes_element(text) for text in values.ravel().tolist())
    return values.astype(NUMBER_TYPES[datatype], copy=False).tobytes()


def _warning(prediction: NDArray[Any]) -> dict[str, Any]:
    if all_finite(prediction):
        return {}
    finite = np.isfinite(prediction).all(axis=1)
    first, count = int(finite.argmin()), int((~finite).sum())
    return {
        "parameters": {
            "not_finite": f"{count} of {len(finite)} rows are not finite, the first is row {first}: a division by zero "
            "or an overflow. JSON represents it as null; request binary_data to get the value."
        }
    }
