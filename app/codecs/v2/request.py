"""The body of an inference request to a tensor and what is wanted of the answer."""

import re
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydantic import ValidationError

from app.codecs.json_limits import check_json
from app.codecs.v2 import tensors
from app.codecs.v2.parameters import flag, refuse_sequences, refuse_shared_memory, timeout_seconds, whole_number
from app.codecs.v2.schemas import InferRequest, RequestInput
from app.codecs.v2.shapes import check_shape
from app.errors import InvalidInputError, invalid_body
from app.settings import Settings
from models.manifest import Manifest

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The HTTP header that says where the JSON ends and the tensors begin."""
_validate = InferRequest.__pydantic_validator__.validate_json
_LENGTH = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True)
class Inference:
    """What a client asks of a model."""

    inputs: NDArray[Any]
    id: str | None = None
    binary: bool = False
    """Whether the output follows the JSON as bytes."""
    classes: int = 0
    """How many of the highest values to name; 0 is for the output itself."""
    timeout_seconds: float | None = None


def decode(body: bytes, header_length: str | None, manifest: Manifest, settings: Settings) -> Inference:
    """Read a request body.

    Args:
        body: as it was before any compression.
        header_length: the value of ``Inference-Header-Content-Length``; None for a body of nothing but JSON.
        manifest: of the model that is asked.
        settings: the limits.

    Raises:
        InvalidInputError: the body is not what the protocol or the model wants.
        TooLargeError: it is over a limit.
    """
    if header_length is None:
        return _decode(body, len(body), manifest, settings)
    length = int(header_length) if _LENGTH.fullmatch(header_length) else -1
    if not 0 <= length <= len(body):
        raise InvalidInputError(
            f"{HEADER_LENGTH} is '{header_length[:20]}'; it must be the bytes of the JSON, "
            f"a whole number up to the {len(body)} bytes of the body."
        )
    if length == 0:
        return _decode_raw(body, manifest, settings)
    return _decode(body, length, manifest, settings)


def _decode(body: bytes, length: int, manifest: Manifest, settings: Settings) -> Inference:
    header = body if length == len(body) else body[:length]
    check_json(header, settings.max_json_depth, settings.max_json_values)
    try:
        request: InferRequest = _validate(header)
    except ValidationError as error:
        raise invalid_body(error) from error
    refuse_sequences(request.parameters)
    inputs = _tensor(_only_input(request, manifest), body, length, manifest, settings)
    binary, classes = _wanted(request, manifest)
    return Inference(inputs, request.id, binary, classes, timeout_seconds(request.parameters))


def _decode_raw(body: bytes, manifest: Manifest, settings: Settings) -> Inference:
    """The form without JSON: the bytes of one row, or of one picture of the model's own size."""
    expected, image = manifest.inputs[0], manifest.image
    if manifest.any_size:
        raise InvalidInputError(
            f"Model '{manifest.name}' takes pictures of any size, which bytes alone do not tell; send the shape in "
            f"JSON in front of them."
        )
    shape = [1, *expected.shape[1:]]
    if image is not None:
        shape = [1, expected.shape[1], image.height, image.width]
    check_shape(shape, manifest, settings)
    _check_size(len(body), expected.name, shape, expected.datatype)
    return Inference(tensors.from_bytes(body, 0, expected.name, shape, expected.datatype), binary=True)


def _only_input(request: InferRequest, manifest: Manifest) -> RequestInput:
    expected = manifest.inputs[0]
    if len(request.inputs) != 1:
        raise InvalidInputError(
            f"Model '{manifest.name}' takes 1 input ('{expected.name}'); the request has {len(request.inputs)}."
        )
    given = request.inputs[0]
    if given.name != expected.name:
        raise InvalidInputError(
            f"Model '{manifest.name}' has no input '{given.name[:40]}'; its input is '{expected.name}'."
        )
    if given.datatype != expected.datatype:
        raise InvalidInputError(
            f"Input '{given.name}' has datatype '{given.datatype[:40]}'; model '{manifest.name}' takes "
            f"{expected.datatype}."
        )
    refuse_shared_memory(given.parameters, given.name)
    return given


def _tensor(given: RequestInput, body: bytes, start: int, manifest: Manifest, settings: Settings) -> NDArray[Any]:
    check_shape(given.shape, manifest, settings)
    size, rest = whole_number(given.parameters, "binary_data_size"), len(body) - start
    if (size is None) == (given.data is None):
        fault = "neither 'data' nor" if size is None else "both 'data' and"
        raise InvalidInputError(f"Input '{given.name}' has {fault} parameter 'binary_data_size'; give one of them.")
    if (size or 0) != rest:
        raise InvalidInputError(
            f"Input '{given.name}' says that {size or 0} bytes follow the JSON; {rest} do, "
            f"so correct 'binary_data_size' or {HEADER_LENGTH}."
        )
    if given.data is not None:
        return tensors.from_json(given.data, given.name, given.shape, given.datatype)
    _check_size(rest, given.name, given.shape, given.datatype)
    return tensors.from_bytes(body, start, given.name, given.shape, given.datatype)


def _check_size(size: int, name: str, shape: list[int], datatype: str) -> None:
    expected = tensors.byte_size(shape, datatype)
    if size != expected:
        raise InvalidInputError(f"Input '{name}' has {size} bytes; {datatype} of shape {shape} has {expected}.")


def _wanted(request: InferRequest, manifest: Manifest) -> tuple[bool, int]:
    """Whether the output is wanted as bytes, and how many classes of it."""
    binary = flag(request.parameters, "binary_data_output") or False
    if not request.outputs:
        return binary, 0
    output = request.outputs[0]
    if len(request.outputs) > 1 or output.name != manifest.outputs[0].name:
        raise InvalidInputError(
            f"Model '{manifest.name}' has 1 output ('{manifest.outputs[0].name}'); "
            f"the request asks for {len(request.outputs)}, the first is '{output.name[:40]}'."
        )
    refuse_shared_memory(output.parameters, output.name)
    own = flag(output.parameters, "binary_data")
    classes = whole_number(output.parameters, "classification") or 0
    return binary if own is None else own, classes
