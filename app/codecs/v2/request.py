"""The body of an inference request to its input tensor and the requested form of the output."""

import re
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray
from pydantic import ValidationError

from app.codecs.json_limits import check_json
from app.codecs.uploads import Upload, open_uploads
from app.codecs.v2 import tensors
from app.codecs.v2.classification import BYTES
from app.codecs.v2.image_files import check_files_shape, files_from_bytes, files_from_json
from app.codecs.v2.parameters import flag, integer, reject_sequences, reject_shared_memory, timeout_seconds
from app.codecs.v2.schemas import InferRequest, RequestInput
from app.codecs.v2.shapes import check_shape
from app.codecs.validation import invalid_body
from app.errors import InvalidInputError
from app.settings import Settings
from models.manifest import Manifest

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The HTTP header with the bytes of the JSON, which the binary tensors follow."""
_validate = InferRequest.__pydantic_validator__.validate_json
_LENGTH = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True)
class InferenceRequest:
    """A decoded inference request."""

    inputs: NDArray[Any] | list[Upload]
    """A tensor; or the images whose files a tensor of BYTES has."""
    id: str | None = None
    binary: bool = False
    """Whether the output follows the JSON in binary."""
    classes: int = 0
    """Top values to return with their labels; 0 returns the output itself."""
    timeout_seconds: float | None = None


def decode(body: bytes, header_length: str | None, manifest: Manifest, settings: Settings) -> InferenceRequest:
    """Decode a request body.

    Args:
        body: decompressed.
        header_length: the value of ``Inference-Header-Content-Length``; None for a body of JSON only.
        manifest: of the requested model.
        settings: the limits.

    Raises:
        InvalidInputError: the body does not fit the protocol or the model.
        TooLargeError: the request exceeds a limit.
    """
    if header_length is None:
        return _decode(body, len(body), manifest, settings)
    length = int(header_length) if _LENGTH.fullmatch(header_length) else -1
    if not 0 <= length <= len(body):
        raise InvalidInputError(
            f"{HEADER_LENGTH} is '{header_length[:20]}'; it must be the length of the JSON, "
            f"an integer from 0 to the {len(body)} bytes of the body."
        )
    if length == 0:
        return _decode_raw(body, manifest, settings)
    return _decode(body, length, manifest, settings)


def _decode(body: bytes, length: int, manifest: Manifest, settings: Settings) -> InferenceRequest:
    header = body if length == len(body) else body[:length]
    check_json(header, settings.max_json_depth, settings.max_json_values)
    try:
        request: InferRequest = _validate(header)
    except ValidationError as error:
        raise invalid_body(error) from error
    return decode_request(request, body, length, manifest, settings)


def decode_request(
    request: InferRequest, body: bytes, start: int, manifest: Manifest, settings: Settings
) -> InferenceRequest:
    """Decode a request whose JSON has been read.

    Args:
        request: the JSON.
        body: holds the binary tensors.
        start: where they begin in it.
        manifest: of the requested model.
        settings: the limits.

    Raises:
        InvalidInputError: the request does not fit the model.
        TooLargeError: the request exceeds a limit.
    """
    reject_sequences(request.parameters)
    given = _only_input(request, manifest)
    read = _image_files if given.datatype == BYTES else _tensor
    inputs = read(given, body, start, manifest, settings)
    binary, classes = _requested_outputs(request, manifest)
    return InferenceRequest(inputs, request.id, binary, classes, timeout_seconds(request.parameters))


def _decode_raw(body: bytes, manifest: Manifest, settings: Settings) -> InferenceRequest:
    """A body without JSON: the bytes of one row, or of one image of the model's size."""
    expected, image = manifest.inputs[0], manifest.image
    if manifest.any_size:
        raise InvalidInputError(
            f"Model '{manifest.name}' takes images of any size; send JSON with the shape before the bytes."
        )
    shape = [1, *expected.shape[1:]]
    if image is not None:
        shape = [1, expected.shape[1], image.height, image.width]
    check_shape(shape, manifest, settings)
    _check_size(len(body), expected.name, shape, expected.datatype)
    return InferenceRequest(tensors.from_bytes(body, 0, expected.name, shape, expected.datatype), binary=True)


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
    takes = [expected.datatype] if manifest.image is None else [expected.datatype, BYTES]
    if given.datatype not in takes:
        raise InvalidInputError(
            f"Input '{given.name}' has datatype '{given.datatype[:40]}'; model '{manifest.name}' takes "
            f"{' or '.join(takes)}."
        )
    reject_shared_memory(given.parameters, given.name)
    return given


def _tensor(given: RequestInput, body: bytes, start: int, manifest: Manifest, settings: Settings) -> NDArray[Any]:
    check_shape(given.shape, manifest, settings)
    _check_source(given, len(body) - start)
    if given.data is not None:
        return tensors.from_json(given.data, given.name, given.shape, given.datatype)
    _check_size(len(body) - start, given.name, given.shape, given.datatype)
    return tensors.from_bytes(body, start, given.name, given.shape, given.datatype)


def _image_files(given: RequestInput, body: bytes, start: int, manifest: Manifest, settings: Settings) -> list[Upload]:
    check_files_shape(given.shape, given.name, settings)
    _check_source(given, len(body) - start)
    if given.data is not None:
        files = files_from_json(given.data, given.name, given.shape)
    else:
        files = files_from_bytes(memoryview(body)[start:], given.name, given.shape)
    return open_uploads(files, manifest, settings, noun="Image")


def _check_source(given: RequestInput, rest: int) -> None:
    """Check that the values are in the JSON or in the rest of the body, in its bytes, and not in both."""
    size = integer(given.parameters, "binary_data_size")
    if (size is None) == (given.data is None):
        fault = "neither 'data' nor" if size is None else "both 'data' and"
        raise InvalidInputError(f"Input '{given.name}' has {fault} parameter 'binary_data_size'; give one of them.")
    if (size or 0) != rest:
        raise InvalidInputError(
            f"Input '{given.name}' has binary_data_size {size or 0}, but {rest} bytes follow the JSON; "
            f"correct 'binary_data_size' or {HEADER_LENGTH}."
        )


def _check_size(size: int, name: str, shape: list[int], datatype: str) -> None:
    expected = tensors.byte_size(shape, datatype)
    if size != expected:
        raise InvalidInputError(f"Input '{name}' has {size} bytes; {datatype} of shape {shape} has {expected}.")


def _requested_outputs(request: InferRequest, manifest: Manifest) -> tuple[bool, int]:
    """Whether the output is requested in binary, and how many classes of it."""
    binary = flag(request.parameters, "binary_data_output") or False
    if not request.outputs:
        return binary, 0
    output = request.outputs[0]
    if len(request.outputs) > 1 or output.name != manifest.outputs[0].name:
        raise InvalidInputError(
            f"Model '{manifest.name}' has 1 output ('{manifest.outputs[0].name}'); "
            f"the request lists {len(request.outputs)}, the first is '{output.name[:40]}'."
        )
    reject_shared_memory(output.parameters, output.name)
    output_flag = flag(output.parameters, "binary_data")
    classes = integer(output.parameters, "classification") or 0
    return binary if output_flag is None else output_flag, classes
