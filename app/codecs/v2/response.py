"""A prediction to the bytes of a response.

JSON has no NaN and no infinity: non-finite values are ``null`` in JSON, as under /predict, and the output's parameter
``not_finite`` reports them, so that a row neither fails the others of its batch nor fails silently. Binary outputs
carry the IEEE 754 values unchanged.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from app.backends.tensors import Tensors, arrays_of
from app.codecs.v2.classification import classify
from app.codecs.v2.outputs import RequestedOutput
from app.codecs.v2.request import InferenceRequest
from app.codecs.v2.strings import BYTES, bytes_element
from app.codecs.v2.tensors import NUMBER_TYPES, all_finite
from models.manifest import Manifest


def encode(prediction: Tensors, request: InferenceRequest, manifest: Manifest) -> tuple[bytes, int | None]:
    """The body of the response, and the length of its JSON if binary data follows it."""
    arrays, outputs, contents = arrays_of(prediction), [], []
    for requested in request.outputs:
        output, content = _output(arrays[requested.index], requested, manifest)
        outputs.append(output)
        if content is not None:
            contents.append(content)
    header = _header(outputs, request, manifest)
    if not contents:
        return header, None
    return b"".join((header, *contents)), len(header)


def _header(outputs: list[dict[str, Any]], request: InferenceRequest, manifest: Manifest) -> bytes:
    response: dict[str, Any] = {"model_name": manifest.name, "model_version": str(manifest.version)}
    if request.id is not None:
        response["id"] = request.id
    response["outputs"] = outputs
    return to_json(response, inf_nan_mode="null")


def output_values(prediction: NDArray[Any], requested: RequestedOutput, manifest: Manifest) -> tuple[str, NDArray[Any]]:
    """Datatype and values of an output: the prediction, or its classes where the request asks for some."""
    if requested.classes:
        return BYTES, classify(prediction, requested.classes, manifest)
    return manifest.outputs[requested.index].datatype, prediction


def _output(
    prediction: NDArray[Any], requested: RequestedOutput, manifest: Manifest
) -> tuple[dict[str, Any], bytes | None]:
    """An output's entry in the JSON, and its bytes if it is requested in binary."""
    datatype, values = output_values(prediction, requested, manifest)
    name = manifest.outputs[requested.index].name
    output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
    if not requested.binary:
        return output | _warning(values) | {"data": values.ravel().tolist()}, None
    content = to_bytes(values, datatype)
    return output | {"parameters": {"binary_data_size": len(content)}}, content


def to_bytes(values: NDArray[Any], datatype: str) -> bytes:
    """The binary form of a tensor."""
    if datatype == BYTES:
        return b"".join(map(bytes_element, values.ravel().tolist()))
    return values.astype(NUMBER_TYPES[datatype], copy=False).tobytes()


def _warning(prediction: NDArray[Any]) -> dict[str, Any]:
    if prediction.dtype.kind != "f" or all_finite(prediction):
        return {}
    finite = np.isfinite(prediction).reshape(len(prediction), -1).all(axis=1)
    first, count = int(finite.argmin()), int((~finite).sum())
    return {
        "parameters": {
            "not_finite": f"{count} of {len(finite)} rows are not finite, the first is row {first}: a division by zero "
            "or an overflow. JSON represents it as null; request binary_data to get the value."
        }
    }
