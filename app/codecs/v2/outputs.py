"""The outputs that a request lists, and their form."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from app.codecs.v2.parameters import flag, integer, reject_shared_memory
from app.codecs.v2.schemas import InferRequest, RequestOutput
from app.codecs.v2.strings import BYTES
from app.errors import InvalidInputError
from models.manifest import Manifest, Tensor


@dataclass(frozen=True)
class RequestedOutput:
    """An output of the response."""

    index: int = 0
    """In the manifest."""
    binary: bool = False
    """Whether it follows the JSON in binary."""
    classes: int = 0
    """Top values to return with their labels; 0 returns the output itself."""


def requested_outputs(request: InferRequest, manifest: Manifest) -> Sequence[RequestedOutput]:
    """The outputs of the response: those that are listed, in that order, else all.

    Raises:
        InvalidInputError: the model has no such output, one is listed twice, or a parameter does not fit.
    """
    binary = flag(request.parameters, "binary_data_output") or False
    if not request.outputs:
        return all_outputs(len(manifest.outputs), binary)
    places = {tensor.name: index for index, tensor in enumerate(manifest.outputs)}
    names = [output.name for output in request.outputs]
    unknown = [name for name in names if name not in places]
    if unknown or len(names) > len(set(names)):
        plural, listed = "s" * (len(places) > 1), ", ".join(f"'{name}'" for name in places)
        raise InvalidInputError(
            f"Model '{manifest.name}' has {len(places)} output{plural} ({listed}); "
            f"the request lists {len(names)}, the first is '{(unknown or names)[0][:40]}'."
        )
    return [_requested(output, places[output.name], binary, manifest) for output in request.outputs]


@cache
def all_outputs(count: int, binary: bool) -> Sequence[RequestedOutput]:
    """The outputs of a response to a request that lists none."""
    return [RequestedOutput(index, binary) for index in range(count)]


def _requested(output: RequestOutput, index: int, binary: bool, manifest: Manifest) -> RequestedOutput:
    reject_shared_memory(output.parameters, output.name)
    output_flag = flag(output.parameters, "binary_data")
    classes = integer(output.parameters, "classification") or 0
    if classes and not _has_classes(manifest.outputs[index]):
        raise InvalidInputError(
            f"Output '{output.name}' has no classes: 'classification' is for outputs of shape [-1, number of classes]; "
            "leave it out."
        )
    return RequestedOutput(index, binary if output_flag is None else output_flag, classes)


def _has_classes(output: Tensor) -> bool:
    return len(output.shape) == 2 and output.datatype not in ("BOOL", BYTES)
