"""The shorter way of most requests, against the way of all others: app.transport.grpc.request."""

from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message
from tritonclient.grpc import service_pb2

from app.settings import Settings
from app.transport.grpc import request as codec
from app.transport.grpc.messages import read_message
from models.manifest import Manifest
from tests.app.imported import tensors_manifest
from tests.app.v2_requests import BRIGHTNESS, FREE, ROWS, STRICT, SUM

SETTINGS = Settings(max_rows=3, max_files=2, max_pixels=100)
TABLE: Any = Manifest.model_validate(
    tensors_manifest(inputs=[{"name": "input", "datatype": "FP32", "shape": [-1, -1]}])
)
"""An imported model, whose numbers may be NaN, of any width."""
PIXELS = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 1, 4, 6)
ROW = ROWS[:1]


def raw(values: Any = ROWS, content: bytes | None = None, **fields: Any) -> Any:
    """A request with raw contents; fields of its tensor are changed."""
    request = service_pb2.ModelInferRequest(model_name="sum")
    datatype = {"float64": "FP64", "float32": "FP32", "uint8": "UINT8"}[values.dtype.name]
    request.inputs.add(**{"name": "input", "datatype": datatype, "shape": values.shape} | fields)
    request.raw_input_contents.append(values.tobytes() if content is None else content)
    return request


def outcome(decode: Any, request: Message, manifest: Manifest) -> Any:
    """What a request is decoded to, or its error."""
    message = read_message("ModelInferRequest", request.SerializeToString())
    try:
        found = decode(message, manifest, SETTINGS)
    except Exception as error:
        return type(error), str(error)
    inputs = found.inputs
    return inputs.dtype, inputs.shape, inputs.tobytes(), list(found.outputs), found.id, found.timeout_seconds


@pytest.fixture
def shorter(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each request was decoded the shorter way."""
    taken: list[bool] = []
    decode_numbers = codec._decode_numbers

    def spy(*args: Any) -> Any:
        taken.append(False)
        found = decode_numbers(*args)
        taken[-1] = found is not None
        return found

    monkeypatch.setattr(codec, "_decode_numbers", spy)
    return taken


VALID = [
    (raw(), SUM),
    (raw(ROW), SUM),
    (raw(np.full((1, 2), -0.0)), SUM),
    (raw(PIXELS), BRIGHTNESS),
    (raw(PIXELS), STRICT),
    (raw(PIXELS[:1, :, :, :5]), BRIGHTNESS),
    (raw(np.array([[1, np.nan, np.inf]], np.float32)), TABLE),
]


@pytest.mark.parametrize(("request_", "manifest"), VALID)
@pytest.mark.parametrize("id_", ["", "42"])
def test_both_ways_decode_a_request_alike(request_: Any, manifest: Manifest, id_: str, shorter: list[bool]) -> None:
    request_.id = id_
    assert outcome(codec.decode, request_, manifest) == outcome(codec._decode_any, request_, manifest)
    assert shorter == [True]


@pytest.mark.parametrize(
    ("request_", "manifest", "message"),
    [
        (raw(np.array([[1, np.nan]])), SUM, "Input 'input' is not finite at [0, 1]"),
        (raw(np.array([[-np.inf, 1]])), SUM, "Input 'input' is not finite at [0, 0]"),
        (raw(np.ones((4, 2))), SUM, "The request has 4 rows; at most 3 are taken"),
        (raw(np.ones((1, 3))), SUM, "of shape [-1, 2], where -1 is free; the request has [1, 3]"),
        (raw(np.ones(2)), SUM, "the request has [2]"),
        (raw(np.ones((0, 2))), SUM, "Input 'input' of shape [0, 2] is empty"),
        (raw(shape=[]), SUM, "the request has []"),
        (raw(ROW, shape=[-1, 2]), SUM, "has an axis of size -1"),
        (raw(ROW, shape=[2**62, 2]), SUM, f"The request has {2**62} rows"),
        (raw(ROW, shape=[1] * 65), SUM, "has 65 axes; at most 64 are taken"),
        (raw(ROW, bytes(15)), SUM, "has 15 bytes; FP64 of shape [1, 2] has 16"),
        (raw(ROW, bytes(17)), SUM, "has 17 bytes; FP64 of shape [1, 2] has 16"),
        (raw(ROW, name="y"), SUM, "Model 'sum' has no input 'y'"),
        (raw(ROW, datatype="FP32"), SUM, "has datatype 'FP32'; model 'sum' takes FP64"),
        (raw(ROW, datatype="FP65"), SUM, "has datatype 'FP65'; model 'sum' takes FP64"),
        (raw(ROW, contents={"fp64_contents": [1, 2]}), SUM, "has both raw and typed contents"),
        (raw(PIXELS[:, :, :3]), STRICT, "the request has [2, 1, 3, 6]"),
        (raw(np.ones((3, 1, 4, 6), np.uint8)), BRIGHTNESS, "The request has 3 images; at most 2 are taken"),
        (raw(np.ones((1, 1, 11, 10), np.uint8)), BRIGHTNESS, "The images are 10 x 11 = 110 pixels; at most 100"),
        (raw(np.ones((1, 1, 3, 6), np.uint8)), FREE, "at least"),
    ],
)
def test_both_ways_reject_a_request_alike(request_: Any, manifest: Manifest, message: str) -> None:
    failed = outcome(codec.decode, request_, manifest)
    assert failed == outcome(codec._decode_any, request_, manifest)
    assert message in failed[1]


def with_parameter(where: Any, request: Any) -> Any:
    where(request)["color"].string_param = "red"
    return request


def with_output(request: Any) -> Any:
    request.outputs.add(name="output")
    return request


@pytest.mark.parametrize(
    "request_",
    [
        with_parameter(lambda request: request.parameters, raw()),
        with_parameter(lambda request: request.inputs[0].parameters, raw()),
        with_output(raw()),
        service_pb2.ModelInferRequest(
            inputs=[{"name": "input", "datatype": "FP64", "shape": [2, 2], "contents": {"fp64_contents": ROWS.ravel()}}]
        ),
    ],
)
def test_requests_with_more_than_a_raw_tensor_take_the_other_way(request_: Any, shorter: list[bool]) -> None:
    assert outcome(codec.decode, request_, SUM)[:3] == outcome(codec._decode_any, raw(), SUM)[:3]
    assert shorter == [False]


def test_a_description_that_is_remembered_is_checked_against_each_model_and_each_limit() -> None:
    message = read_message("ModelInferRequest", raw(np.ones((3, 2))).SerializeToString())
    codec.decode(message, SUM, SETTINGS)
    with pytest.raises(Exception, match="The request has 3 rows; at most 2 are taken"):
        codec.decode(message, SUM, Settings(max_rows=2))
    with pytest.raises(Exception, match="has datatype 'FP64'; model 'mixed' takes FP32"):
        codec.decode(message, TABLE, SETTINGS)


def test_long_descriptions_are_not_remembered() -> None:
    codec._read_description.cache_clear()
    request = raw(name="x" * codec.MAX_DESCRIPTION_BYTES)
    assert "has no input" in outcome(codec.decode, request, SUM)[1]
    assert codec._read_description.cache_info().currsize == 0
