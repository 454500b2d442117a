from typing import Any

import numpy as np
import pytest

from app.errors import InvalidInputError, TooLargeError
from tests.app.v2_requests import BRIGHTNESS, ROWS, STRICT, binary, body, read, tensor

LENGTH = "Inference-Header-Content-Length"
IMAGE = np.zeros((1, 1, 4, 6), np.uint8)


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
def test_binary_data_size_must_be_a_whole_number(size: object) -> None:
    with pytest.raises(InvalidInputError, match=r"Parameter 'binary_data_size' must be an integer of at least 0"):
        read(body(tensor(data=None, parameters={"binary_data_size": size})))


def test_a_tensor_is_in_json_or_binary_and_not_both() -> None:
    with pytest.raises(InvalidInputError, match=r"Input 'input' has neither 'data' nor parameter 'binary_data_size'"):
        read(body(tensor(data=None)))
    with pytest.raises(InvalidInputError, match=r"Input 'input' has both 'data' and parameter 'binary_data_size'"):
        read(body(tensor(parameters={"binary_data_size": 0})))


@pytest.mark.parametrize("shape", [[2**62, 2**62], [2], [2, 3], [2, 2, 1], [], [4], [2**62, 3], [0] * 64])
def test_a_shape_that_does_not_fit_the_model_is_rejected(shape: list[int]) -> None:
    with pytest.raises(
        InvalidInputError, match=r"Model 'sum' takes input 'input' of shape \[-1, 2\], where -1 is free; "
    ):
        read(body(tensor(shape=shape)))


def test_more_items_than_the_limit_are_rejected_unread() -> None:
    for content in (
        body(*[tensor()] * 65),
        body(outputs=[{"name": "output"}] * 65),
        body(tensor(shape=[1] * 65)),
    ):
        with pytest.raises(InvalidInputError, match="List should have at most 64 items after validation, not "):
            read(content)


def test_a_long_shape_is_not_repeated() -> None:
    with pytest.raises(InvalidInputError, match=r"the request has \[1, 1, 1, 1, 1, 1, 1, 1, \.\.\.\] of 64 axes\.$"):
        read(body(tensor(shape=[1] * 64)))


@pytest.mark.parametrize("axis", [-1, 2**63, 10**400, 2.0, "2", True, None, [2]])
def test_an_axis_that_is_not_a_size_is_rejected(axis: object) -> None:
    with pytest.raises(InvalidInputError, match=r"body\.inputs\.0\.shape\.0: Input should be "):
        read(body(tensor(shape=[axis, 2])))


def test_a_shape_whose_size_overflows_64_bits_is_over_the_limit() -> None:
    with pytest.raises(TooLargeError, match=r"The request has 4611686018427387904 rows; at most 100000 are taken"):
        read(body(tensor(shape=[2**62, 2])))
    with pytest.raises(TooLargeError, match=r"The images are 4611686018427387904 x 4611686018427387904 = "):
        read(body(tensor(IMAGE, shape=[1, 1, 2**62, 2**62])), manifest=BRIGHTNESS)


def test_nothing_to_predict_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match=r"Input 'input' of shape \[0, 2\] is empty; send at least one row\.$"):
        read(body(tensor(ROWS[:0])))
    with pytest.raises(InvalidInputError, match=r"of shape \[1, 1, 0, 6\] is empty"):
        read(body(tensor(IMAGE[:, :, :0])), manifest=BRIGHTNESS)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([3, 4, 5], r"Input 'input' has 3 numbers in 'data'; its shape \[2, 2\] needs 4, so send as many\."),
        ([3, 4, 5, 6, 7], r"Input 'input' has 5 numbers in 'data'"),
        ([], "Input 'input' has 0 numbers in 'data'"),
        ([3, 4, "5", 6], r"Number 2 of input 'input' is a string; FP64 takes finite numbers\."),
        ([3, True, 5, 6], "Number 1 of input 'input' is a boolean"),
        ([None, 4, 5, 6], "Number 0 of input 'input' is null"),
        ([3, 4, 5, [6]], "Number 3 of input 'input' is a list"),
        ([3, 4, 5, {}], "Number 3 of input 'input' is an object"),
        ([[3, 4], [5, "6"]], "Number 3 of input 'input' is a string"),
        ([[3, 4, 5, 6]], "Input 'input' has 'data' that is not nested as its shape"),
        ([[3, 4], [5]], "not nested as its shape"),
        ([[3, 4], 5, 6], "not nested as its shape"),
        ([[[3], [4]], [[5], [6]]], "Number 0 of input 'input' is a list"),
        ([3, 4, 5, 10**400], "Input 'input' has an integer beyond the range of FP64"),
    ],
)
def test_data_that_does_not_fit_the_shape_or_datatype_is_rejected(data: list[Any], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read(body(tensor(data=data)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_in_json_that_is_not_finite_is_rejected(number: str) -> None:
    content = body().replace(b"-250.0", number.encode())
    with pytest.raises(
        InvalidInputError, match=r"Input 'input' is not finite at \[1, 1\]; send finite numbers, no NaN"
    ):
        read(content)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_number_in_bytes_that_is_not_finite_is_rejected(number: float) -> None:
    with pytest.raises(InvalidInputError, match=r"Input 'input' is not finite at \[0, 1\]"):
        read(*binary(np.array([[3.0, number]])))
    with pytest.raises(InvalidInputError, match=r"Input 'input' is not finite at \[0, 1\]"):
        read(np.array([3.0, number]).tobytes(), "0")


@pytest.mark.parametrize(
    ("pixel", "message"),
    [
        (256, "Number 5 of input 'input' is not within 0 and 255, the range of UINT8"),
        (-1, "is not within 0 and 255"),
        (10**30, "is not within 0 and 255"),
        (1.0, "Number 5 of input 'input' is a fraction; UINT8 takes integers from 0 to 255"),
        (False, "is a boolean"),
    ],
)
def test_a_pixel_that_is_not_a_byte_is_rejected(pixel: object, message: str) -> None:
    data = [0] * 5 + [pixel] + [0] * 18
    with pytest.raises(InvalidInputError, match=message):
        read(body(tensor(IMAGE, data=data)), manifest=BRIGHTNESS)


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


def test_one_row_too_many_is_too_large() -> None:
    assert len(read(body(), max_rows=2).inputs) == 2
    for content, length in ((body(), None), binary()):
        with pytest.raises(TooLargeError, match=r"The request has 2 rows; at most 1 are taken, so send several\.$"):
            read(content, length, max_rows=1)


def test_one_image_or_pixel_too_many_is_too_large() -> None:
    two = body(tensor(np.zeros((2, 1, 4, 6), np.uint8)))
    limits: dict[str, Any] = {"max_files": 2, "max_pixels": 24, "max_request_pixels": 48}
    assert len(read(two, manifest=BRIGHTNESS, **limits).inputs) == 2
    for limit, message in (
        ("max_files", r"The request has 2 images; at most 1 are taken, so send several\.$"),
        ("max_pixels", r"The images are 6 x 4 = 24 pixels; at most 23 are taken, so make them smaller\.$"),
        ("max_request_pixels", r"The images have more than 47 pixels together; send fewer at a time\.$"),
    ):
        with pytest.raises(TooLargeError, match=message):
            read(two, manifest=BRIGHTNESS, **limits | {limit: limits[limit] - 1})


def test_a_model_of_one_size_takes_no_other() -> None:
    read(body(tensor(IMAGE)), manifest=STRICT)
    takes = (
        r"Model 'strict' takes input 'input' of shape \[-1, 1, 4, 6\], where -1 is free; the request has \[1, 1, 6, 4\]"
    )
    with pytest.raises(InvalidInputError, match=takes):
        read(body(tensor(IMAGE.reshape(1, 1, 6, 4))), manifest=STRICT)
