"""Inference messages to the requests that HTTP's codec decodes.

A tensor is raw, as bytes in ``raw_input_contents``, or typed, as values in its ``contents``. The response is of the
request's kind.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from app.codecs.v2.outputs import all_outputs
from app.codecs.v2.request import InferenceRequest, decode_request
from app.codecs.v2.schemas import MAX_ITEMS, InferRequest
from app.codecs.v2.shapes import check_shape
from app.codecs.v2.strings import BYTES
from app.codecs.v2.tensors import NUMBER_TYPES, all_finite, byte_size
from app.errors import InvalidInputError, TooLargeError
from app.settings import Settings
from app.transport.grpc.messages import CONTENTS, read_message
from models.manifest import Manifest

MAX_DESCRIPTIONS = 1024
"""Inputs whose name, datatype and shape are remembered."""
MAX_DESCRIPTION_BYTES = 256
"""Longest tensor message that is remembered."""


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
    request = _decode_numbers(message, manifest, settings)
    return request if request is not None else _decode_any(message, manifest, settings)


def _decode_any(message: Any, manifest: Manifest, settings: Settings) -> InferenceRequest:
    raw = message.raw_input_contents
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


def _decode_numbers(message: Any, manifest: Manifest, settings: Settings) -> InferenceRequest | None:
    """Most requests, in a fraction of the time: one raw tensor of numbers, without parameters.

    None: it is not such a request, or it is not valid, which is then found out with the reason.
    """
    raw, inputs = message.raw_input_contents, message.inputs
    if len(raw) != 1 or len(inputs) != 1 or len(manifest.inputs) != 1 or message.parameters or message.outputs:
        return None
    (content,), (described,), expected = raw, inputs, manifest.inputs[0]
    tensor = _read_description(described) if len(described) <= MAX_DESCRIPTION_BYTES else None
    if tensor is None or tensor.name != expected.name or tensor.datatype != expected.datatype:
        return None
    if len(content) != tensor.size:
        return None
    check_shape(tensor.shape, expected, manifest, settings)
    values: NDArray[Any] = np.ndarray(tensor.shape, tensor.dtype, content)
    if tensor.dtype.kind == "f" and manifest.task != "tensors" and not all_finite(values):
        return None
    return InferenceRequest(values, all_outputs(len(manifest.outputs), binary=True), message.id or None)


class _Description(NamedTuple):
    """An input of numbers, but for its values."""

    name: str
    datatype: str
    shape: list[int]
    dtype: np.dtype[Any]
    size: int
    """Bytes of its values."""


@lru_cache(MAX_DESCRIPTIONS)
def _read_description(content: bytes) -> _Description | None:
    """What a serialised tensor says of raw numbers, as many requests do alike; None: it says more or something else."""
    tensor = read_message("InferInputTensor", content)
    if tensor.parameters or tensor.HasField("contents") or tensor.datatype not in NUMBER_TYPES:
        return None
    shape, dtype = _shape(tensor), NUMBER_TYPES[tensor.datatype]
    return _Description(tensor.name, tensor.datatype, shape, dtype, byte_size(shape, tensor.datatype))


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
            f"The request has {inputs} input{'s' * (inputs != 1)} and {len(raw)} raw_input_contents; send one for each "
            "input, or none and the values in 'contents'."
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
