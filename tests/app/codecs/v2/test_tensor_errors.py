"""Shapes and data that do not fit the model, or exceed a limit, are rejected."""

from typing import Any

import numpy as np
import pytest

from app.errors import InvalidInputError, TooLargeError
from tests.app.v2_requests import BRIGHTNESS, ROWS, STRICT, binary, body, read, tensor

IMAGE = np.zeros((1, 1, 4, 6), np.uint8)


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
