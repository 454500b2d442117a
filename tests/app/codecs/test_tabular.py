"""app.codecs.tabular.decode_request against pydantic: what is decoded fast is what the schema validates."""

import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.codecs.tabular import decode_request
from app.errors import InvalidInputError
from app.schemas import MAX_VERSION, ArithmeticRequest
from app.settings import Settings

LIMITS = Settings()

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.integers(-(10**30), 10**30).map(str),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True),
)
MEMBERS = st.sampled_from(
    [
        '"model": "m"',
        '"model": 1',
        '"model": "\\ud800"',
        '"model": "\\u00e9\\n"',
        '"inputs": [[1, 2.5]]',
        '"inputs": []',
        '"inputs": [[]]',
        '"inputs": [["1"]]',
        '"inputs": [[true]]',
        '"inputs": [[null]]',
        '"inputs": [[NaN]]',
        '"inputs": [[1e999]]',
        '"inputs": [[-0, 1e-400]]',
        '"inputs": [[01]]',
        '"inputs": [[1], 2]',
        '"inputs": {"0": [1]}',
        '"version": 1',
        '"version": null',
        '"version": 1.0',
        '"version": true',
        '"version": 0',
        f'"version": {MAX_VERSION + 1}',
        f'"version": {10**30}',
        '"more": 1',
        '"intervals": true',
        '"intervals": false',
        '"intervals": null',
        '"intervals": 1',
        '"level": 0.9',
        '"level": 0',
        '"level": 1',
        '"level": "0.9"',
        '"level": true',
        '"level": NaN',
    ]
)


def bits(inputs: Any) -> list[list[bytes]]:
    """The rows, so that -0.0 and 0.0 differ."""
    return [[struct.pack("<d", value) for value in row] for row in inputs]


def expect_as_pydantic(body: bytes) -> None:
    """Assert that a body gives the values, or the failure, that the schema gives."""
    try:
        expected = ArithmeticRequest.model_validate_json(body)
    except ValidationError:
        with pytest.raises(InvalidInputError):
            decode_request(body, LIMITS)
        return
    request, rows = decode_request(body, LIMITS)
    assert (request.model, request.version) == (expected.model, expected.version)
    assert (request.intervals, request.level) == (expected.intervals, expected.level)
    assert bits(rows) == bits(expected.inputs)


@pytest.mark.slow
@given(rows=st.lists(st.lists(NUMBERS, max_size=4), min_size=1, max_size=4))
@example(rows=[["1.7976931348623157e308", "1.7976931348623159e308"]])
@example(rows=[["9007199254740993", "5e-324", "2.4703282292062328e-324", "-0"]])
@settings(max_examples=200, deadline=None)
def test_numbers_are_decoded_to_the_same_bits(rows: list[list[str]]) -> None:
    inputs = ", ".join(f"[{', '.join(row)}]" for row in rows)
    expect_as_pydantic(f'{{"model": "m", "inputs": [{inputs}]}}'.encode())


@pytest.mark.slow
@given(members=st.lists(MEMBERS, max_size=4))
@settings(max_examples=200, deadline=None)
def test_a_body_is_accepted_just_when_the_schema_accepts_it(members: list[str]) -> None:
    expect_as_pydantic(("{" + ", ".join(members) + "}").encode())


@pytest.mark.parametrize(
    "inputs",
    [
        "[[1, 2], [3, 4]]",
        " [ [1 ,2]\t,\n[3,\r4 ] ] ",
        "[[1], [2], [3]]",
        "[[1, 2], [3]]",
        "[[1], [2, 3], [4]]",
        "[[], [1]]",
        "[[], []]",
        "[[[1, 2], [3, 4]]]",
        "[[1, [2]], [3, 4]]",
        "[1, 2]",
        "[]",
        "1",
        "[[1,] 2, [3, 4]]",
        "[[1, 2] 3, [4, 5]]",
        "[1 [, 2], [3, 4]]",
        "[[1, 2], [3, 4],]",
        "[[1, 2][3, 4]]",
        "[[1 2], [3, 4]]",
        "[[1, e], [3, 4]]",
        "[[1, 2], [3, 4]",
        "[[1, 2], [3, 4]]]",
        "[[1, ], [, 4]]",
        "[[1, 1e999], [3, 4]]",
        '[["1", 2], [3, 4]]',
        "[[true, 2], [3, 4]]",
        '[[1, 2], [3, 4]], "inputs": [[5, 6, 7]]',
    ],
)
def test_rows_are_those_of_the_schema_wherever_brackets_and_commas_are(inputs: str) -> None:
    expect_as_pydantic(f'{{"model": "[[1, 2]]", "inputs": {inputs}}}'.encode())


@pytest.mark.parametrize("levels", [33, 10_000, 30_000])
@pytest.mark.parametrize("closed", [True, False])
def test_inputs_nested_too_deep_are_rejected_by_their_nesting(levels: int, closed: bool) -> None:
    body = b'{"model": "m", "inputs": ' + b"[" * levels + b"]" * (levels * closed) + b"}"
    with pytest.raises(InvalidInputError, match="nested deeper than 32 levels"):
        decode_request(body, LIMITS)


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_whatever_byte_is_changed_the_body_is_decoded_as_the_schema_has_it(data: st.DataObject) -> None:
    changed = bytearray('{"model": "m\u00e9", "inputs": [[1, -2.5e3], [4,5]], "version": 2}'.encode())
    index = data.draw(st.integers(0, len(changed) - 1))
    changed[index] = data.draw(st.integers(0, 255))
    expect_as_pydantic(bytes(changed))
