"""Serialised responses, as the published protocol's own message reads them: app.transport.grpc.response."""

from typing import Any

import numpy as np
import pytest
from tritonclient.grpc import service_pb2

from app.backends.tensors import TensorTuple
from app.codecs.v2.outputs import RequestedOutput
from app.codecs.v2.request import InferenceRequest
from app.transport.grpc.response import encode
from models.manifest import Manifest
from tests.app.imported import expected, tensors_manifest
from tests.app.v2_requests import ROWS, SUM

MIXED: Any = Manifest.model_validate(tensors_manifest())


def read(content: bytes) -> Any:
    return service_pb2.ModelInferResponse.FromString(content)


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("id_", [None, "42", "ü" * 200])
def test_a_raw_response_is_the_message_that_protobuf_would_write_at_once(rows: int, id_: str | None) -> None:
    values = np.arange(rows, dtype=np.float64).reshape(rows, 1)
    response = service_pb2.ModelInferResponse(model_name="sum", model_version="1", id=id_ or "")
    response.outputs.add(name="output", datatype="FP64", shape=[rows, 1])
    response.raw_output_contents.append(values.tobytes())
    for _ in range(2):  # made, and remembered
        assert read(encode(values, InferenceRequest(ROWS, [RequestedOutput(binary=True)], id_), SUM)) == response


def test_a_model_of_another_name_or_version_does_not_get_what_was_remembered_of_the_first() -> None:
    request, values = InferenceRequest(ROWS, [RequestedOutput(binary=True)]), np.ones((1, 1))
    for name, version in (("sum", 1), ("sum", 2), ("total", 1)):
        manifest = SUM.model_copy(update={"name": name, "version": version})
        response = read(encode(values, request, manifest))
        assert (response.model_name, response.model_version) == (name, str(version))


@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 0, 3]])
@pytest.mark.parametrize("binary", [True, False])
def test_several_outputs_keep_their_order_raw_and_typed(order: list[int], binary: bool) -> None:
    outputs = [RequestedOutput(index, binary) for index in order]
    response = read(encode(TensorTuple(list(expected().values())), InferenceRequest(ROWS, outputs), MIXED))
    assert [output.name for output in response.outputs] == [MIXED.outputs[index].name for index in order]
    assert [list(output.shape) for output in response.outputs] == [
        list(expected()[output.name].shape) for output in response.outputs
    ]
    assert len(response.raw_output_contents) == (len(order) if binary else 0)
    for output, content in zip(response.outputs, response.raw_output_contents, strict=False):
        if output.name != "echo":
            assert content == expected()[output.name].tobytes()


def test_an_output_without_bytes_is_raw_too() -> None:
    request = InferenceRequest(ROWS, [RequestedOutput(binary=True)])
    response = read(encode(np.empty((2, 0)), request, SUM))
    assert (list(response.outputs[0].shape), list(response.raw_output_contents)) == ([2, 0], [b""])
