"""Invalid bodies, headers and parameters of inference requests are rejected."""

from typing import Any

import numpy as np
import pytest

from app.errors import InvalidInputError
from tests.app.v2_requests import binary, body, read, tensor

LENGTH = "Inference-Header-Content-Length"


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        ("{more}", "{more}"),
        ("-1", "-1"),
        ("1.0", "1.0"),
        ("0x10", "0x10"),
        ("", ""),
        ("ten", "ten"),
        ("²", "²"),  # a digit to str.isdigit
        ("9" * 5000, "9" * 20),
    ],
)
def test_a_header_length_outside_the_body_is_rejected(length: str, shown: str) -> None:
    content, _ = binary()
    more = str(len(content) + 1)
    with pytest.raises(InvalidInputError) as caught:
        read(content, length.replace("{more}", more))
    assert caught.value.detail == (
        f"{LENGTH} is '{shown.replace('{more}', more)}'; it must be the length of the JSON, "
        f"an integer from 0 to the {len(content)} bytes of the body."
    )


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_header_length_off_by_one_is_rejected(shift: int) -> None:
    content, length = binary()
    with pytest.raises(InvalidInputError):
        read(content, str(int(length) + shift))


def test_binary_data_size_must_be_what_follows_the_json() -> None:
    with pytest.raises(
        InvalidInputError, match=r"Input 'input' has binary_data_size 31, but 32 bytes follow the JSON; correct"
    ):
        read(*binary(size=31))
    content, length = binary()
    with pytest.raises(InvalidInputError, match="has binary_data_size 32, but 33 bytes follow the JSON"):
        read(content + b"x", length)
    with pytest.raises(InvalidInputError, match="has binary_data_size 32, but 31 bytes follow the JSON"):
        read(content[:-1], length)
    with pytest.raises(InvalidInputError, match="has binary_data_size 32, but 0 bytes follow the JSON"):
        read(content[: int(length)])


def test_bytes_behind_numbers_in_json_are_rejected() -> None:
    with pytest.raises(InvalidInputError, match="has binary_data_size 0, but 3 bytes follow the JSON"):
        read(body() + b"abc", str(len(body())))


def test_bytes_must_be_as_many_as_the_shape_has() -> None:
    content, length = binary()
    content = content.replace(b"[2, 2]", b"[3, 2]")
    with pytest.raises(InvalidInputError, match=r"Input 'input' has 32 bytes; FP64 of shape \[3, 2\] has 48\.$"):
        read(content, length)


@pytest.mark.parametrize("size", [-1, 1.0, True, "32", 2**63])
def test_binary_data_size_must_be_an_integer(size: object) -> None:
    with pytest.raises(InvalidInputError, match=r"Parameter 'binary_data_size' must be an integer of at least 0"):
        read(body(tensor(data=None, parameters={"binary_data_size": size})))


def test_a_tensor_is_in_json_or_binary_and_not_both() -> None:
    with pytest.raises(InvalidInputError, match=r"Input 'input' has neither 'data' nor parameter 'binary_data_size'"):
        read(body(tensor(data=None)))
    with pytest.raises(InvalidInputError, match=r"Input 'input' has both 'data' and parameter 'binary_data_size'"):
        read(body(tensor(parameters={"binary_data_size": 0})))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (body(tensor(), tensor()), r"Model 'sum' takes 1 input \('input'\); the request has 2\.$"),
        (b'{"inputs": []}', "the request has 0"),
        (body(tensor(name="x" * 1000)), f"Model 'sum' has no input '{'x' * 40}'; its input is 'input'\\.$"),
        (body(tensor(name=None)), r"body\.inputs\.0\.name: Field required"),
        (body(tensor(shape=None)), r"body\.inputs\.0\.shape: Field required"),
        (body(tensor(datatype=None)), r"body\.inputs\.0\.datatype: Field required"),
        (body(tensor(datatype="FP32")), r"Input 'input' has datatype 'FP32'; model 'sum' takes FP64\.$"),
        (body(tensor(datatype="fp64")), "has datatype 'fp64'"),
        (b"{}", r"body\.inputs: Field required"),
        (b"[]", "body: Input should be an object"),
        (b"", "body: Invalid JSON"),
        (b'{"inputs": [', "body: Invalid JSON"),
        (body() + b"{}", "body: Invalid JSON"),
        (b'{"inputs": "\xff"}', "body: Invalid JSON"),
        (body(id=7), r"body\.id: Input should be a valid string, not 7"),
        (body(tensor(data="3")), r"body\.inputs\.0\.data: Input should be a valid array"),
        (body(parameters=[]), r"body\.parameters: Input should be an object"),
    ],
)
def test_a_body_outside_the_protocol_is_rejected(content: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read(content)


def test_deep_nesting_is_rejected_before_it_is_parsed() -> None:
    with pytest.raises(InvalidInputError, match="nested deeper than 32 levels"):
        read(body(tensor(data=None))[:-2] + b', "data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}]}")


def test_brackets_among_the_bytes_are_no_nesting() -> None:
    rows = np.frombuffer(b"[" * 1600).reshape(-1, 2)
    np.testing.assert_array_equal(read(*binary(rows)).inputs, rows)


@pytest.mark.parametrize("length", [0, 15, 17])
def test_without_json_the_bytes_must_be_one_row(length: int) -> None:
    with pytest.raises(InvalidInputError, match=rf"Input 'input' has {length} bytes; FP64 of shape \[1, 2\] has 16\.$"):
        read(bytes(length), "0")


def test_outputs_that_the_model_does_not_have_are_rejected() -> None:
    has = r"Model 'sum' has 1 output \('output'\); the request lists "
    with pytest.raises(InvalidInputError, match=rf"{has}1, the first is 'y'\.$"):
        read(body(outputs=[{"name": "y"}]))
    with pytest.raises(InvalidInputError, match=rf"{has}2, the first is 'output'\.$"):
        read(body(outputs=[{"name": "output"}, {"name": "output"}]))


@pytest.mark.parametrize("value", [1, "true", [], 0.0])
def test_a_flag_is_true_or_false(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"Parameter 'binary_data_output' must be true or false"):
        read(body(parameters={"binary_data_output": value}))
    with pytest.raises(InvalidInputError, match=r"Parameter 'binary_data' must be true or false"):
        read(body(outputs=[{"name": "output", "parameters": {"binary_data": value}}]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sequence_id": 5}, "Parameter 'sequence_id' starts a sequence"),
        ({"sequence_id": "five"}, "Parameter 'sequence_id'"),
        ({"sequence_start": True}, "Parameter 'sequence_id'"),
        ({"priority": 1}, "Parameter 'priority' must be 0 or left out"),
        ({"timeout": -1}, "Parameter 'timeout' must be an integer"),
        ({"timeout": 1.5}, "Parameter 'timeout' must be an integer"),
    ],
)
def test_parameters_that_cannot_be_honoured_are_rejected(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read(body(parameters=parameters))


def test_shared_memory_is_rejected() -> None:
    parameters = {"shared_memory_region": "r", "shared_memory_byte_size": 32}
    with pytest.raises(InvalidInputError, match=r"'input' names a shared memory region"):
        read(body(tensor(data=None, parameters=parameters)))
    with pytest.raises(InvalidInputError, match=r"'output' names a shared memory region"):
        read(body(outputs=[{"name": "output", "parameters": parameters}]))
