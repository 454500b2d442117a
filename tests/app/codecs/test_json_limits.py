import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.codecs.json_limits import MAX_MEMBERS, UNCHECKED_BYTES, check_depth, check_json
from app.errors import InvalidInputError, TooLargeError

TOO_DEEP = "The body is nested deeper than {} levels, which is the limit; send plain rows."


def nested(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def depth(value: Any) -> int:
    """The oracle: counted on the parsed value."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def is_refused(body: bytes, limit: int) -> bool:
    try:
        check_depth(body, limit)
    except InvalidInputError:
        return True
    return False


@pytest.mark.parametrize("limit", [1, 2, 32, 200])
def test_the_limit_itself_is_taken_and_one_level_more_is_refused(limit: int) -> None:
    check_depth(nested(limit), limit)
    check_depth(b"[" + nested(limit - 1) * 1000 + b"]", limit)
    with pytest.raises(InvalidInputError, match=re.escape(TOO_DEEP.format(limit))):
        check_depth(nested(limit + 1), limit)


def test_objects_count_as_arrays_do() -> None:
    assert is_refused(b'{"a":' * 33 + b"1" + b"}" * 33, 32)
    assert is_refused(b'[{"a":' * 17 + b"1" + b"}]" * 17, 32)
    assert not is_refused(b'[{"a":' * 16 + b"1" + b"}]" * 16, 32)


@pytest.mark.parametrize("body", [b"", b"]" * 100, b"}" * 1000 + b"[", b"\xff" * 99, b"7"])
def test_what_is_no_json_is_left_to_the_parser(body: bytes) -> None:
    check_depth(body, 1)


@pytest.mark.slow
@given(
    value=st.recursive(
        st.none() | st.integers() | st.text("ab \u00fc", max_size=3),
        lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text("ab", max_size=2), part, max_size=4),
        max_leaves=30,
    ),
    limit=st.integers(1, 6),
)
@settings(max_examples=150, deadline=None)
def test_a_body_is_refused_exactly_if_it_is_too_deep(value: Any, limit: int) -> None:
    assert is_refused(json.dumps(value).encode(), limit) == (depth(value) > limit)


def of_values(count: int, length: int) -> bytes:
    """An array that counts as so many values, itself one of them, in at least so many bytes."""
    return b"[" + b"0," * (count - 2) + b"0]" + b" " * length


def test_as_many_values_as_allowed_are_taken_and_one_more_is_refused() -> None:
    check_json(of_values(2000, UNCHECKED_BYTES), 32, 2000)
    message = "The body has 2001 values; at most 2000 are taken, so send several."
    with pytest.raises(TooLargeError, match=re.escape(message)):
        check_json(of_values(2001, UNCHECKED_BYTES), 32, 2000)


def test_arrays_and_objects_are_values_too() -> None:
    with pytest.raises(TooLargeError):
        check_json(b"[" + b"[]," * 60_000 + b"[]]", 32, 100_000)
    with pytest.raises(TooLargeError):
        check_json(b"[" + b"{}," * 60_000 + b"{}]", 32, 100_000)


def test_as_many_members_as_allowed_are_taken_and_one_more_is_refused() -> None:
    def of_members(count: int) -> bytes:
        return b"{" + b",".join(b'"%0100d":0' % number for number in range(count)) + b"}"

    check_json(of_members(MAX_MEMBERS), 32, 10_000)
    message = "The objects of the body have 1001 members; 1000 is the limit."
    with pytest.raises(TooLargeError, match=re.escape(message)):
        check_json(of_members(MAX_MEMBERS + 1), 32, 10_000)


def test_a_hundred_thousand_rows_of_ten_columns_are_within_the_default() -> None:
    row = b"[" + b",".join([b"1.5"] * 10) + b"]"
    check_json(b'{"model":"m","inputs":[' + b",".join([row] * 100_000) + b"]}", 32, 2_000_000)
