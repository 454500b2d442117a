"""Inference over gRPC: raw and typed tensors, one or a stream of requests, against NumPy and against HTTP."""

import asyncio
from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient import grpc as triton
from tritonclient.grpc import aio, service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

from tests.app.images import grey
from tests.app.imported import DATATYPES, INPUTS, expected
from tests.app.transport.grpc.conftest import Both, rows

FIELDS = {
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "INT64": "int64_contents",
    "BOOL": "bool_contents",
    "BYTES": "bytes_contents",
}
TABLE = [[3.0, 4.0], [1000.0, -250.0]]
PIXELS = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 1, 4, 6)


def typed(model: str = "sum", datatype: str = "FP64", shape: tuple[int, ...] = (1, 2), **contents: Any) -> Any:
    request = service_pb2.ModelInferRequest(model_name=model)
    tensor = request.inputs.add(name="input", datatype=datatype, shape=shape)
    for field, values in contents.items():
        getattr(tensor.contents, field).extend(values)
    return request


@pytest.fixture
def stub(both: Both) -> Iterator[Any]:
    with grpc.insecure_channel(both.address) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def fails(stub: Any, request: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request, timeout=10)
    return caught.value.code(), caught.value.details()


def test_raw_rows_get_a_raw_response_with_the_requests_id(client: triton.InferenceServerClient) -> None:
    result = client.infer("sum", rows(TABLE), request_id="42")
    np.testing.assert_array_equal(result.as_numpy("output"), [[7.0], [750.0]])
    response = result.get_response()
    assert (response.id, response.model_name, response.model_version) == ("42", "sum", "2")
    assert np.frombuffer(response.raw_output_contents[0], "<f8").tolist() == [7.0, 750.0]


def test_a_version_may_be_named(client: triton.InferenceServerClient) -> None:
    assert client.infer("sum", rows(TABLE), model_version="1").as_numpy("output").tolist() == [[700.0], [75000.0]]


def test_a_requested_output_and_unknown_parameters_are_taken(client: triton.InferenceServerClient) -> None:
    outputs = [triton.InferRequestedOutput("output")]
    result = client.infer("sum", rows(TABLE), outputs=outputs, parameters={"color": "red"}, timeout=5_000_000)
    assert result.as_numpy("output").tolist() == [[7.0], [750.0]]


def test_typed_rows_get_a_typed_response(stub: Any) -> None:
    response = stub.ModelInfer(typed(fp64_contents=[3, 4, 1000, -250], shape=(2, 2)))
    assert list(response.outputs[0].contents.fp64_contents) == [7.0, 750.0]
    assert not response.raw_output_contents


def test_typed_pixels_equal_raw_pixels(stub: Any, client: triton.InferenceServerClient) -> None:
    tensor = triton.InferInput("input", list(PIXELS.shape), "UINT8").set_data_from_numpy(PIXELS)
    raw = client.infer("shade", [tensor]).as_numpy("output")
    response = stub.ModelInfer(typed("shade", "UINT8", PIXELS.shape, uint_contents=PIXELS.ravel().tolist()))
    np.testing.assert_array_equal(np.float32(response.outputs[0].contents.fp32_contents), raw.ravel())
    np.testing.assert_allclose(raw[:, 1], PIXELS.mean(axis=(1, 2, 3)) / 255, rtol=1e-6)


def test_classes_are_strings_raw_and_typed(stub: Any, client: triton.InferenceServerClient) -> None:
    tensor = triton.InferInput("input", list(PIXELS.shape), "UINT8").set_data_from_numpy(PIXELS)
    outputs = [triton.InferRequestedOutput("output", class_count=1)]
    raw = client.infer("shade", [tensor], outputs=outputs).as_numpy("output").ravel().tolist()
    assert [text.decode().partition(":")[2] for text in raw] == ["0:dark", "0:dark"]
    request = typed("shade", "UINT8", PIXELS.shape, uint_contents=PIXELS.ravel().tolist())
    request.outputs.add(name="output").parameters["classification"].int64_param = 1
    assert list(stub.ModelInfer(request).outputs[0].contents.bytes_contents) == raw


def test_several_inputs_and_outputs_of_any_type_are_answered_raw(client: triton.InferenceServerClient) -> None:
    inputs = [
        triton.InferInput(name, list(values.shape), DATATYPES[values.dtype.name]).set_data_from_numpy(values)
        for name, values in reversed(INPUTS.items())
    ]
    result = client.infer("mixed", inputs)
    for name, values in expected().items():
        found = result.as_numpy(name)
        assert found.tolist() == ([[text.encode()] for [text] in values] if name == "echo" else values.tolist())
    outputs = [triton.InferRequestedOutput(name) for name in ("echo", "total")]
    response = client.infer("mixed", inputs, outputs=outputs).get_response()
    assert [output.name for output in response.outputs] == ["echo", "total"]


def test_several_inputs_and_outputs_of_any_type_are_answered_typed(stub: Any) -> None:
    request = service_pb2.ModelInferRequest(model_name="mixed")
    for name, values in INPUTS.items():
        datatype = DATATYPES[values.dtype.name]
        tensor = request.inputs.add(name=name, datatype=datatype, shape=values.shape)
        flat = values.ravel().tolist()
        getattr(tensor.contents, FIELDS[datatype])[:] = [text.encode() for text in flat] if name == "city" else flat
    response = stub.ModelInfer(request)
    for output in response.outputs:
        values = list(getattr(output.contents, FIELDS[output.datatype]))
        right = expected()[output.name].ravel().tolist()
        assert values == ([text.encode() for text in right] if output.name == "echo" else right)


def test_files_of_images_are_taken_raw_and_typed(stub: Any, client: triton.InferenceServerClient) -> None:
    files = [grey(0), grey(51)]
    tensor = triton.InferInput("input", [2], "BYTES").set_data_from_numpy(np.array(files, np.object_))
    raw = client.infer("shade", [tensor]).as_numpy("output")
    np.testing.assert_allclose(raw, [[1, 0], [0.8, 0.2]], rtol=1e-6)
    response = stub.ModelInfer(typed("shade", "BYTES", (2,), bytes_contents=files))
    np.testing.assert_array_equal(np.float32(response.outputs[0].contents.fp32_contents), raw.ravel())


def test_values_that_are_not_finite_are_unchanged(client: triton.InferenceServerClient) -> None:
    result = client.infer("ratio", rows([[1, 0], [0, 0], [6, 3]])).as_numpy("output").ravel()
    assert np.isposinf(result[0])
    assert np.isnan(result[1])
    assert result[2] == 2


def test_a_stream_answers_each_message_in_turn_and_goes_on_after_an_error(both: Both) -> None:
    async def ask() -> list[Any]:
        async def requests() -> Any:
            for model in ("sum", "nothing", "sum"):
                yield {"model_name": model, "inputs": rows(TABLE), "request_id": model}

        async with aio.InferenceServerClient(both.address) as client:
            return [pair async for pair in client.stream_infer(requests())]

    (first, _), (_, error), (third, _) = asyncio.run(ask())
    assert first.as_numpy("output").tolist() == third.as_numpy("output").tolist() == [[7.0], [750.0]]
    assert "There is no model 'nothing'" in str(error)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (typed(fp64_contents=[1]), "Input 'input' has 1 numbers in 'data'; its shape [1, 2] needs 2"),
        (typed(fp32_contents=[1, 2]), "Input 'input' has no values; send FP64 in raw_input_contents or in 'fp64_cont"),
        (typed(fp64_contents=[1, float("nan")]), "Input 'input' is not finite at [0, 1]"),
        (typed(datatype="FP16"), "Input 'input' has datatype 'FP16', which has no typed contents; send it in raw_inp"),
        (typed(datatype="FP32", fp32_contents=[1, 2]), "Input 'input' has datatype 'FP32'; model 'sum' takes FP64"),
        (typed(shape=(-1, 2), fp64_contents=[1, 2]), "Input 'input' has an axis of size -1; give the shape"),
        (typed(shape=(1,) * 65, fp64_contents=[1, 2]), "Input 'input' has 65 axes; at most 64 are taken"),
        (typed(shape=(1, 3), fp64_contents=[1, 2, 3]), "Model 'sum' takes input 'input' of shape [-1, 2]"),
        (service_pb2.ModelInferRequest(model_name="sum"), "Model 'sum' takes 1 input ('input'); the request has 0"),
        (
            service_pb2.ModelInferRequest(model_name="sum", raw_input_contents=[b"", b""]),
            "The request has 0 inputs and 2 raw_input_contents; send one for each input, or none and the values",
        ),
        (
            service_pb2.ModelInferRequest(model_name="sum", outputs=[{"name": "y"}] * 65),
            "The request has 0 inputs and 65 outputs; at most 64 of each are taken",
        ),
        (
            service_pb2.ModelInferRequest(model_name="sum", inputs=[{}], raw_input_contents=[b"", b""]),
            "The request has 1 input and 2 raw_input_contents; send one for each input, or none and the values",
        ),
    ],
)
def test_an_invalid_request_gets_its_reason(stub: Any, request_: Any, message: str) -> None:
    code, details = fails(stub, request_)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert message in details


def test_raw_contents_must_have_the_bytes_of_the_shape_and_exclude_typed_ones(stub: Any) -> None:
    request = typed(fp64_contents=[1, 2])
    request.raw_input_contents.append(bytes(16))
    assert "Input 'input' has both raw and typed contents; send one of them." in fails(stub, request)[1]
    request.inputs[0].ClearField("contents")
    request.raw_input_contents[0] = bytes(17)
    assert "Input 'input' has 17 bytes; FP64 of shape [1, 2] has 16." in fails(stub, request)[1]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"\xff\xff", "ModelInferRequest"),
        (b"\x0a\x03sum\x2a\x02\xff\xff", "InferInputTensor"),  # its one input, alone and beside raw contents
        (b"\x0a\x03sum\x2a\x02\xff\xff\x3a\x00", "InferInputTensor"),
        (b"\x0a\x03sum\x32\x02\xff\xff", "InferRequestedOutputTensor"),
    ],
)
def test_bytes_that_are_no_message_are_an_invalid_argument(both: Both, body: bytes, name: str) -> None:
    with grpc.insecure_channel(both.address) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(body, timeout=10)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.details() == f"The request has bytes that are no {name} message; check the client."


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"model_name": "nothing"}, "NOT_FOUND", "There is no model 'nothing'"),
        ({"model_version": "99"}, "NOT_FOUND", "Model 'sum' has no version 99"),
        ({"model_version": "two"}, "INVALID_ARGUMENT", "Version 'two' is not an integer from 1 to"),
        ({"outputs": [triton.InferRequestedOutput("y")]}, "INVALID_ARGUMENT", r"Model 'sum' has 1 output \('output'\)"),
        ({"sequence_id": 7}, "INVALID_ARGUMENT", "Parameter 'sequence_id' starts a sequence"),
        ({"priority": 1}, "INVALID_ARGUMENT", "Parameter 'priority' must be 0 or left out"),
    ],
)
def test_the_client_gets_code_and_message_of_an_error(
    client: triton.InferenceServerClient, changes: dict[str, Any], code: str, message: str
) -> None:
    with pytest.raises(InferenceServerException, match=message) as caught:
        client.infer(**{"model_name": "sum", "inputs": rows(TABLE)} | changes)
    assert caught.value.status() == f"StatusCode.{code}"
