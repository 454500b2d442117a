"""Predictions to inference messages.

Serialised messages one after the other are one message, whose lists have the elements of both. So the parts of a
response are serialised one by one, and those that many responses have in common once.
"""

from functools import lru_cache
from typing import Any

from numpy.typing import NDArray

from app.backends.tensors import Tensors, arrays_of
from app.codecs.v2.request import InferenceRequest
from app.codecs.v2.response import output_values, to_bytes
from app.codecs.v2.strings import BYTES
from app.transport.grpc.messages import CLASSES, CONTENTS
from models.manifest import Manifest

MAX_PARTS = 1024
"""Parts of each kind that are remembered."""
_Response = CLASSES["ModelInferResponse"]


def encode(prediction: Tensors, request: InferenceRequest, manifest: Manifest) -> bytes:
    """The serialised ModelInferResponse of a prediction; all outputs are raw or none is, as the protocol has it."""
    arrays = arrays_of(prediction)
    outputs = [(each.index, *output_values(arrays[each.index], each, manifest)) for each in request.outputs]
    parts = [_serialise_model(manifest.name, manifest.version)]
    if request.id is not None:
        parts.append(_Response(id=request.id).SerializeToString())
    raw = request.outputs[0].binary or any(datatype not in CONTENTS for _, datatype, _ in outputs)
    for index, datatype, values in outputs:
        name = manifest.outputs[index].name
        if raw:
            content = to_bytes(values, datatype)
            parts += (_serialise_raw_output(name, datatype, values.shape, len(content)), content)
        else:
            parts.append(_serialise_typed_output(name, datatype, values))
    return b"".join(parts)


@lru_cache(MAX_PARTS)
def _serialise_model(name: str, version: int) -> bytes:
    serialised: bytes = _Response(model_name=name, model_version=str(version)).SerializeToString()
    return serialised


@lru_cache(MAX_PARTS)
def _serialise_raw_output(name: str, datatype: str, shape: tuple[int, ...], size: int) -> bytes:
    """All of a raw output before its bytes, which come last."""
    response = _Response(raw_output_contents=[bytes(size)])
    response.outputs.add(name=name, datatype=datatype, shape=shape)
    serialised: bytes = response.SerializeToString()
    return serialised[: len(serialised) - size]


def _serialise_typed_output(name: str, datatype: str, values: NDArray[Any]) -> bytes:
    response, flat = _Response(), values.ravel().tolist()
    output = response.outputs.add(name=name, datatype=datatype, shape=values.shape)
    typed = [text.encode() for text in flat] if datatype == BYTES else flat
    getattr(output.contents, CONTENTS[datatype]).extend(typed)
    serialised: bytes = response.SerializeToString()
    return serialised
