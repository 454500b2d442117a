"""Inference messages to the requests that HTTP's codec decodes, and predictions to messages.

A tensor is raw, as bytes in ``raw_input_contents``, or typed, as values in its ``contents``. The response is of the
request's kind.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from app.backends.tensors import Tensors, arrays_of
from app.codecs.v2.inputs import read_bytes
from app.codecs.v2.outputs import RequestedOutput
from app.codecs.v2.request import InferenceRequest, decode_request
from app.codecs.v2.response import output_values, to_bytes
from app.codecs.v2.schemas import MAX_ITEMS, InferRequest
from app.codecs.v2.shapes import check_shape
from app.codecs.v2.strings import BYTES
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from app.transport.grpc.messages import CLASSES, read_message
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
_Response = CLASSES["ModelInferResponse"]


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
    simple = _decode_simple(message, raw, manifest, settings)
    if simple is not None:
        return simple
    _check_lengths(message, raw)
    inputs, bodies = [], []
    for index, part in enumerate(message.inputs):
        tensor = read_message("InferInputTensor", part)
        if raw:
            body = raw[index]
            inputs.append(_raw_input(tensor, body))
        else:
            entry, body = _typed_input(tensor, settings)
            inputs.append(entry)
        bodies.append(body)
    outputs = [_requested_output(read_message("InferRequestedOutputTensor", part)) for part in message.outputs]
    parameters = _parameters(message.parameters)
    parameters["binary_data_output"] = bool(raw)
    request = cast(InferRequest, _Request(message.id or None, parameters, inputs, outputs))  # has its attributes
    return decode_request(request, bodies[0] if len(bodies) == 1 else b"".join(bodies), 0, manifest, settings)


def _decode_simple(
    message: Any, raw: Sequence[bytes], manifest: Manifest, settings: Settings
) -> InferenceRequest | None:
    """Most requests, in a third of the time: one raw tensor without parameters. None: it is not such a request."""
    several = len(raw) != 1 or len(message.inputs) != 1 or len(manifest.inputs) != 1
    if several or message.parameters or message.outputs:
        return None
    expected, tensor = manifest.inputs[0], read_message("InferInputTensor", message.inputs[0])
    fits = tensor.name == expected.name and tensor.datatype == expected.datatype
    if not fits or tensor.parameters or tensor.HasField("contents"):
        return None
    shape = _shape(tensor)
    check_shape(shape, expected, manifest, settings)
    outputs = [RequestedOutput(index, binary=True) for index in range(len(manifest.outputs))]
    return InferenceRequest(read_bytes(raw[0], shape, expected, manifest, settings), outputs, message.id or None)


@dataclass(slots=True)
class _Input:
    """An input as ``RequestInput`` has it; protobuf has checked the types."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, Any]
    data: list[Any] | None = None


@dataclass(slots=True)
class _Output:
    """An output as ``RequestOutput`` has it."""

    name: str
    parameters: dict[str, Any]


@dataclass(slots=True)
class _Request:
    """A request as ``InferRequest`` has it."""

    id: str | None
    parameters: dict[str, Any]
    inputs: list[_Input]
    outputs: list[_Output]


def _check_lengths(message: Any, raw: Sequence[bytes]) -> None:
    inputs, outputs = len(message.inputs), len(message.outputs)
    if inputs > MAX_ITEMS or outputs > MAX_ITEMS:
        raise InvalidInputError(
            f"The request has {inputs} inputs and {outputs} outputs; at most {MAX_ITEMS} of each are taken."
        )
    if raw and len(raw) != inputs:
        raise InvalidInputError(
            f"The request has {inputs} inputs and {len(raw)} raw_input_contents; send one for each input, or none and "
            "the values in 'contents'."
        )


def _raw_input(tensor: Any, body: bytes) -> _Input:
    if tensor.HasField("contents"):
        raise InvalidInputError(f"Input '{tensor.name[:40]}' has both raw and typed contents; send one of them.")
    parameters = _parameters(tensor.parameters)
    parameters["binary_data_size"] = len(body)
    return _Input(tensor.name, tensor.datatype, _shape(tensor), parameters)


def _typed_input(tensor: Any, settings: Settings) -> tuple[_Input, bytes]:
    """The input, and its binary data where those are strings."""
    parameters = _parameters(tensor.parameters)
    parameters.pop("binary_data_size", None)
    values = _typed_values(tensor, settings)
    entry = _Input(tensor.name, tensor.datatype, _shape(tensor), parameters)
    if tensor.datatype != BYTES:
        entry.data = list(values)
        return entry, b""
    body = b"".join(map(_length_prefixed, values))
    parameters["binary_data_size"] = len(body)
    return entry, body


def _shape(tensor: Any) -> list[int]:
    if len(tensor.shape) > MAX_ITEMS:
        raise InvalidInputError(
            f"Input '{tensor.name[:40]}' has {len(tensor.shape)} axes; at most {MAX_ITEMS} are taken."
        )
    shape = list(tensor.shape)
    if shape and min(shape) < 0:
        raise InvalidInputError(
            f"Input '{tensor.name[:40]}' has an axis of size {min(shape)}; give the shape of the values, at least 0."
        )
    return shape


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


def _requested_output(requested: Any) -> _Output:
    parameters = _parameters(requested.parameters)
    parameters.pop("binary_data", None)  # the response is of the request's kind
    return _Output(requested.name, parameters)


def _parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    if not parameters:
        return {}
    return {
        name: getattr(value, value.WhichOneof("parameter_choice") or "bool_param") for name, value in parameters.items()
    }


def encode(prediction: Tensors, request: InferenceRequest, manifest: Manifest) -> Any:
    """The ModelInferResponse of a prediction; all of its outputs are raw or none is, as the protocol has it."""
    response = _Response(model_name=manifest.name, model_version=str(manifest.version), id=request.id or "")
    arrays = arrays_of(prediction)
    outputs = [(each.index, *output_values(arrays[each.index], each, manifest)) for each in request.outputs]
    raw = request.outputs[0].binary or any(datatype not in CONTENTS for _, datatype, _ in outputs)
    for index, datatype, values in outputs:
        output = response.outputs.add(name=manifest.outputs[index].name, datatype=datatype, shape=values.shape)
        if raw:
            response.raw_output_contents.append(to_bytes(values, datatype))
        elif datatype == BYTES:
            output.contents.bytes_contents.extend(text.encode() for text in values.ravel().tolist())
        else:
            getattr(output.contents, CONTENTS[datatype]).extend(values.ravel().tolist())
    return response
