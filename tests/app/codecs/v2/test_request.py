import json
from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from app.codecs.v2.outputs import RequestedOutput
from app.errors import InvalidInputError, TooLargeError
from tests.app.v2_requests import BRIGHTNESS, ROWS, STRICT, SUM, binary, body, read, tensor

IMAGES = np.arange(2 * 1 * 3 * 5, dtype=np.uint8).reshape(2, 1, 3, 5)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MEMBERS = ["inputs", "outputs", "name", "shape", "datatype", "data", "parameters"]


@pytest.mark.parametrize("data", [ROWS.ravel().tolist(), ROWS.tolist()], ids=["flat", "nested"])
def test_numbers_in_json_may_be_flat_or_nested(data: list[float]) -> None:
    request = read(body(tensor(data=data)))
    assert request.inputs.dtype == np.float64
    np.testing.assert_array_equal(request.inputs, ROWS)


@pytest.mark.parametrize("data", [IMAGES.ravel().tolist(), IMAGES.tolist()], ids=["flat", "nested"])
def test_pixels_in_json_may_be_flat_or_nested(data: list[int]) -> None:
    request = read(body(tensor(IMAGES, data=data)), manifest=BRIGHTNESS)
    assert request.inputs.dtype == np.uint8
    np.testing.assert_array_equal(request.inputs, IMAGES)


def test_whole_numbers_are_numbers() -> None:
    np.testing.assert_array_equal(read(body(tensor(data=[3, 4, 1000, -250]))).inputs, ROWS)


@pytest.mark.parametrize("padding", range(9))
def test_binary_data_is_read_wherever_the_json_ends(padding: int) -> None:
    request = read(*binary(id="x" * padding))
    assert request.inputs.flags.aligned
    np.testing.assert_array_equal(request.inputs, ROWS)


def test_pixels_are_read_from_bytes() -> None:
    request = read(*binary(IMAGES), manifest=BRIGHTNESS)
    assert request.inputs.dtype == np.uint8
    np.testing.assert_array_equal(request.inputs, IMAGES)


def test_a_header_length_of_the_whole_body_is_json_alone() -> None:
    np.testing.assert_array_equal(read(body(), str(len(body()))).inputs, ROWS)


@pytest.mark.slow
@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=6).map(lambda s: (s[0], 2)), elements=NUMBERS))
@settings(max_examples=50, deadline=None)
def test_every_finite_number_arrives_bit_for_bit(rows: np.ndarray) -> None:
    for request in (read(body(tensor(rows))), read(body(tensor(rows, data=rows.tolist()))), read(*binary(rows))):
        assert request.inputs.tobytes() == rows.tobytes()


def test_without_json_the_body_is_one_row_and_the_response_is_binary() -> None:
    request = read(ROWS[0].tobytes(), "0")
    np.testing.assert_array_equal(request.inputs, ROWS[:1])
    assert (request.id, list(request.outputs)) == (None, [RequestedOutput(binary=True)])


@pytest.mark.parametrize("manifest", [BRIGHTNESS, STRICT], ids=["any size", "one size"])
def test_without_json_the_body_is_one_image_of_the_models_size(manifest: object) -> None:
    image = np.arange(4 * 6, dtype=np.uint8)
    request = read(image.tobytes(), "0", manifest=manifest)  # type: ignore[arg-type]
    np.testing.assert_array_equal(request.inputs, image.reshape(1, 1, 4, 6))


def test_without_outputs_all_are_returned_as_json() -> None:
    for content in (body(), body(outputs=[]), body(outputs=[{"name": "output"}])):
        request = read(content)
        assert (request.id, list(request.outputs), request.timeout_seconds) == (None, [RequestedOutput()], None)


@pytest.mark.parametrize(
    ("parameters", "outputs", "expected"),
    [
        ({"binary_data_output": True}, [], True),
        ({"binary_data_output": True}, [{"name": "output"}], True),
        ({"binary_data_output": True}, [{"name": "output", "parameters": {"binary_data": False}}], False),
        ({"binary_data_output": False}, [{"name": "output", "parameters": {"binary_data": True}}], True),
        (None, [{"name": "output", "parameters": {"binary_data": True}}], True),
    ],
)
def test_an_outputs_binary_flag_overrides_the_requests(parameters: object, outputs: object, expected: bool) -> None:
    (output,) = read(body(parameters=parameters, outputs=outputs)).outputs
    assert output.binary is expected


def test_id_classes_and_timeout_are_read() -> None:
    outputs = [{"name": "output", "parameters": {"classification": 3}}]
    request = read(body(id="a-7", outputs=outputs, parameters={"timeout": 1_500_000}))
    assert (request.id, request.outputs[0].classes, request.timeout_seconds) == ("a-7", 3, 1.5)


def test_unknown_parameters_and_members_are_ignored() -> None:
    parameters = {"priority": 0, "sequence_id": 0, "sequence_start": False, "timeout": 0, "colour": "red"}
    request = read(body(tensor(parameters={"note": [1, {"a": None}]}), parameters=parameters, later=True))
    assert request.timeout_seconds is None


def _removed(content: bytes, place: int) -> bytes:
    return content[:place] + content[place + 1 :]


def _doubled(content: bytes, place: int) -> bytes:
    return content[:place] + content[place : place + 1] + content[place:]


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x11]) + content[place + 1 :]


@pytest.mark.slow
@given(st.sampled_from([_removed, _doubled, _flipped]), st.integers(0, 10_000), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_damaged_body_is_read_or_rejected_and_never_crashes(
    damage: Callable[[bytes, int], bytes], place: int, as_bytes: bool
) -> None:
    content, length = (
        binary(outputs=[{"name": "output", "parameters": {"binary_data": True}}])
        if as_bytes
        else (
            body(id="1", parameters={"binary_data_output": True}),
            None,
        )
    )
    damaged = damage(content, place % len(content))
    with suppress(InvalidInputError, TooLargeError):
        request = read(damaged, length)
        assert request.inputs.shape[1] == 2
        assert np.isfinite(request.inputs).all()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), part, max_size=4),
)


@pytest.mark.slow
@given(JSON)
@settings(max_examples=100, deadline=None)
def test_any_json_is_read_or_rejected_and_never_crashes(anything: object) -> None:
    with pytest.raises(InvalidInputError):
        read(json.dumps(anything).encode())
    with suppress(InvalidInputError):  # it may generate four numbers
        assert read(body(tensor(data=anything if anything is not None else 0))).inputs.shape == (2, 2)
    with pytest.raises(InvalidInputError):
        read(json.dumps({"inputs": anything}).encode(), manifest=SUM)
