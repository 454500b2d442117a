"""The body of an inference request to its input tensors and the requested form of the outputs."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from app.backends.tensors import Tensors
from app.codecs.json_limits import check_json
from app.codecs.v2.inputs import HEADER_LENGTH, read_bytes, read_inputs
from app.codecs.v2.outputs import RequestedOutput, all_outputs, requested_outputs
from app.codecs.v2.parameters import reject_sequences, timeout_seconds
from app.codecs.v2.schemas import InferRequest
from app.codecs.v2.shapes import check_shape
from app.codecs.v2.strings import BYTES
from app.codecs.validation import invalid_body
from app.errors import InvalidInputError
from app.settings import Settings
from models.manifest import Manifest

if TYPE_CHECKING:
    from app.codecs.uploads import Upload

_validate = InferRequest.__pydantic_validator__.validate_json
_LENGTH = re.compile(r"[0-9]{1,19}")


class InferenceRequest(NamedTuple):
    """A decoded inference request."""

    inputs: "Tensors | list[Upload]"
    """Tensors; or the images whose files a tensor of BYTES has."""
    outputs: Sequence[RequestedOutput] = (RequestedOutput(),)
    id: str | None = None
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
    inputs = read_inputs(request.inputs, body, start, manifest, settings)
    outputs = requested_outputs(request, manifest)
    return InferenceRequest(inputs, outputs, request.id, timeout_seconds(request.parameters))


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
    if len(manifest.inputs) > 1 or -1 in shape or expected.datatype == BYTES:
        raise InvalidInputError(
            f"Model '{manifest.name}' takes several inputs, strings or tensors of any size; send JSON with their "
            "shapes before the bytes."
        )
    check_shape(shape, expected, manifest, settings)
    outputs = all_outputs(len(manifest.outputs), binary=True)
    return InferenceRequest(read_bytes(body, shape, expected, manifest, settings), outputs)
