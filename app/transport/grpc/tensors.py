"""Inference messages to the requests that HTTP's codec decodes, and predictions to messages.

A tensor is raw, as bytes in ``raw_input_contents``, or typed, as values in its ``contents``. The response is of the
request's kind.
"""

import struct
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from pydantic import ValidationError

from app.codecs.v2.classification import BYTES
from app.codecs.v2.request import InferenceRequest, decode_request
from app.codecs.v2.response import output_values, to_bytes
from app.codecs.v2.schemas import MAX_ITEMS, InferRequest
from app.codecs.validation import invalid_body
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from app.transport.grpc.messages import CLASSES
from models.manifest import Manifest

CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}
"""The field of typed contents that has the values of each datatype; other datatypes are raw only."""
_InputTensor, _RequestedOutput = CLASSES["InferInputTensor"], CLASSES["InferRequestedOutputTensor"]
_Response = CLASSES["ModelInferResponse"]
_validate = InferRequest.__pydantic_validator__.validate_python


def decode(message: Any, manifest: Manifest, settings: Settings) -> InferenceRequest:
    """Decode a ModelInferRequest.

    Args:
        message: the ModelInferRequest.
        manifest: of the requested model.
        settings: the limits.

    Raises:
        InvalidInputError: it does not fit the protocol or the model.
        TooLargeError: it exceeds a limit.
    """
    raw = message.raw_input_contents
    if raw and len(raw) != len(message.inputs):
        raise InvalidInputError(
            f"The request has {len(message.inputs)} inputs and {len(raw)} raw_input_contents; send one for each input, "
            "or none and the values in 'contents'."
        )
    inputs, bodies = [], []
    for index, part in enumerate(message.inputs[: MAX_ITEMS + 1]):  # a longer list is rejected below
        entry, body = _input(_InputTensor.FromString(part), raw[index] if raw else None, settings)
        inputs.append(entry)
        bodies.append(body)
    entries = {
        "id": message.id or None,
        "parameters": _parameters(message.parameters) | {"binary_data_output": bool(raw)},
        "inputs": inputs,
        "outputs": [_output(_RequestedOutput.FromString(part)) for part in message.outputs[: MAX_ITEMS + 1]],
    }
    try:
        request: InferRequest = _validate(entries)
    except ValidationError as error:
        raise invalid_body(error) from error
    return decode_request(request, bodies[0] if len(bodies) == 1 else b"".join(bodies), 0, manifest, settings)


def _input(tensor: Any, raw: bytes | None, settings: Settings) -> tuple[dict[str, Any], bytes]:
    """An input as HTTP's JSON has it, and its binary data, which follow the JSON there."""
    entry = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape[: MAX_ITEMS + 1])}
    parameters = _parameters(tensor.parameters)
    parameters.pop("binary_data_size", None)
    if raw is not None:
        if tensor.HasField("contents"):
            raise InvalidInputError(f"Input '{tensor.name[:40]}' has both raw and typed contents; send one of them.")
        return entry | {"parameters": parameters | {"binary_data_size": len(raw)}}, raw
    values = _typed_values(tensor, settings)
    if tensor.datatype == BYTES:
        body = b"".join(map(_length_prefixed, values))
        return entry | {"parameters": parameters | {"binary_data_size": len(body)}}, body
    return entry | {"parameters": parameters, "data": list(values)}, b""


def _length_prefixed(element: bytes) -> bytes:
    return struct.pack("<I", len(element)) + element


def _typed_values(tensor: Any, settings: Settings) -> Any:
    name = CONTENTS.get(tensor.datatype)
    if name is None:
        raise InvalidInputError(
            f"Input '{tensor.name[:40]}' has datatype '{tensor.datatype[:40]}', which has no typed contents; "
            f"send it in raw_input_contents, or one of {', '.join(CONTENTS)}."
        )
    values = getattr(tensor.contents, name)
    if not values:
        raise InvalidInputError(
            f"Input '{tensor.name[:40]}' has no values; send {tensor.datatype} in raw_input_contents or in '{name}'."
        )
    if len(values) > settings.max_json_values:
        raise TooLargeError(
            f"Input '{tensor.name[:40]}' has {len(values)} values in '{name}'; at most {settings.max_json_values} are "
            "taken, so send it in raw_input_contents, or several requests."
        )
    return values


def _output(requested: Any) -> dict[str, Any]:
    parameters = _parameters(requested.parameters)
    parameters.pop("binary_data", None)  # the response is of the request's kind
    return {"name": requested.name, "parameters": parameters}


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: getattr(value, value.WhichOneof("parameter_choice") or "bool_param") for name, value in parameters.items()
    }


def encode(prediction: NDArray[Any], request: InferenceRequest, manifest: Manifest) -> Any:
    """The ModelInferResponse of a prediction."""
    response = _Response(model_name=manifest.name, model_version=str(manifest.version), id=request.id or "")
    datatype, values = output_values(prediction, request, manifest)
    output = response.outputs.add(name=manifest.outputs[0].name, datatype=datatype, shape=values.shape)
    if request.binary:
        response.raw_output_contents.append(to_bytes(values, datatype))
    elif datatype == BYTES:
        output.contents.bytes_contents.extend(text.encode() for text in values.ravel().tolist())
    else:
        getattr(output.contents, CONTENTS[datatype]).extend(values.ravel().tolist())
    return response
