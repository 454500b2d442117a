"""The input tensors of a request: the right ones, of the right datatype and shape, from JSON and binary data."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from app.backends.tensors import Tensors, TensorTuple
from app.codecs.v2 import tensors
from app.codecs.v2.image_files import check_files_shape, files_from_bytes, files_from_json
from app.codecs.v2.parameters import integer, reject_shared_memory
from app.codecs.v2.schemas import RequestInput
from app.codecs.v2.shapes import check_shape
from app.codecs.v2.strings import BYTES, strings_from_bytes
from app.errors import InvalidInputError
from app.settings import Settings
from models.manifest import Manifest, Tensor

if TYPE_CHECKING:
    from app.codecs.uploads import Upload

HEADER_LENGTH = "Inference-Header-Content-Length"
"""The HTTP header with the bytes of the JSON, which the binary tensors follow."""


def read_inputs(
    given: Sequence[RequestInput], body: bytes, start: int, manifest: Manifest, settings: Settings
) -> "Tensors | list[Upload]":
    """The inputs in the manifest's order; binary data follow the JSON in the request's. Or images, sent as files.

    Args:
        given: the inputs of the request.
        body: all of it.
        start: where its binary data begin.
        manifest: of the model.
        settings: the limits.

    Raises:
        InvalidInputError: an input is missing, unknown or given twice, or does not fit the model.
        TooLargeError: the request exceeds a limit.
    """
    declared = _declared(given, manifest)
    for tensor, expected in zip(given, declared, strict=True):
        _check_datatype(tensor, expected, manifest)
        if manifest.image is not None and tensor.datatype == BYTES:
            return _read_image_files(tensor, body, start, manifest, settings)
        check_shape(tensor.shape, expected, manifest, settings)
    arrays = []
    for tensor, expected, size in zip(given, declared, _binary_sizes(given, len(body) - start), strict=True):
        if tensor.data is not None:
            arrays.append(tensors.from_json(tensor.data, tensor.name, tensor.shape, tensor.datatype))
        else:
            arrays.append(read_bytes(body, tensor.shape, expected, manifest, settings, start=start, size=size))
        start += size
    if len(arrays) == 1:
        return arrays[0]
    _check_rows(given)
    return TensorTuple([arrays[declared.index(expected)] for expected in manifest.inputs])


def read_bytes(
    body: bytes,
    shape: list[int],
    expected: Tensor,
    manifest: Manifest,
    settings: Settings,
    *,
    start: int = 0,
    size: int | None = None,
) -> NDArray[Any]:
    """The tensor of ``size`` bytes from ``start``; an imported graph may take NaN for a missing value.

    Raises:
        InvalidInputError: the bytes do not fit shape and datatype, or a number must be finite and is not.
        TooLargeError: there are more strings than the limit.
    """
    size = len(body) if size is None else size
    if expected.datatype == BYTES:
        return strings_from_bytes(body[start : start + size], expected.name, shape, settings.max_json_values)
    needed = tensors.byte_size(shape, expected.datatype)
    if size != needed:
        raise InvalidInputError(
            f"Input '{expected.name}' has {size} bytes; {expected.datatype} of shape {shape} has {needed}."
        )
    finite = manifest.task != "tensors"
    return tensors.from_bytes(body, start, expected.name, shape, expected.datatype, finite=finite)


def _read_image_files(
    given: RequestInput, body: bytes, start: int, manifest: Manifest, settings: Settings
) -> "list[Upload]":
    from app.codecs.uploads import open_uploads  # with Pillow, which a service without images never imports

    check_files_shape(given.shape, given.name, settings)
    _binary_sizes([given], len(body) - start)
    if given.data is not None:
        files = files_from_json(given.data, given.name, given.shape)
    else:
        files = files_from_bytes(memoryview(body)[start:], given.name, given.shape)
    return open_uploads(files, manifest, settings, noun="Image")


def _declared(given: Sequence[RequestInput], manifest: Manifest) -> list[Tensor]:
    """The manifest's entry for each input of a request, which must have all of them."""
    if [tensor.name for tensor in given] == [tensor.name for tensor in manifest.inputs]:
        return manifest.inputs
    expected = {tensor.name: tensor for tensor in manifest.inputs}
    listed, plural = ", ".join(f"'{name}'" for name in expected), "s" * (len(expected) > 1)
    if len(given) != len(expected):
        raise InvalidInputError(
            f"Model '{manifest.name}' takes {len(expected)} input{plural} ({listed}); the request has {len(given)}."
        )
    names = [tensor.name for tensor in given]
    for name in names:
        if name not in expected:
            are = "inputs are" if plural else "input is"
            raise InvalidInputError(f"Model '{manifest.name}' has no input '{name[:40]}'; its {are} {listed}.")
        if names.count(name) > 1:
            raise InvalidInputError(f"Input '{name}' is given twice; give each input once.")
    return [expected[name] for name in names]


def _check_datatype(given: RequestInput, expected: Tensor, manifest: Manifest) -> None:
    takes = [expected.datatype] if manifest.image is None else [expected.datatype, BYTES]
    if given.datatype not in takes:
        raise InvalidInputError(
            f"Input '{given.name}' has datatype '{given.datatype[:40]}'; model '{manifest.name}' takes "
            f"{' or '.join(takes)}."
        )
    reject_shared_memory(given.parameters, given.name)


def _binary_sizes(given: Sequence[RequestInput], rest: int) -> list[int]:
    """Bytes of each input in the rest of the body, all of which they must be; 0 where its values are in the JSON."""
    sizes = []
    for tensor in given:
        size = integer(tensor.parameters, "binary_data_size")
        if (size is None) == (tensor.data is None):
            fault = "neither 'data' nor" if size is None else "both 'data' and"
            raise InvalidInputError(
                f"Input '{tensor.name}' has {fault} parameter 'binary_data_size'; give one of them."
            )
        sizes.append(size or 0)
    if sum(sizes) != rest:
        subject = f"Input '{given[0].name}' has" if len(given) == 1 else "The inputs together have"
        raise InvalidInputError(
            f"{subject} binary_data_size {sum(sizes)}, but {rest} bytes follow the JSON; "
            f"correct 'binary_data_size' or {HEADER_LENGTH}."
        )
    return sizes


def _check_rows(given: Sequence[RequestInput]) -> None:
    first = given[0]
    for other in given[1:]:
        if other.shape[0] != first.shape[0]:
            raise InvalidInputError(
                f"Inputs '{first.name}' and '{other.name}' have {first.shape[0]} and {other.shape[0]} rows; all inputs "
                "of a request have as many."
            )
