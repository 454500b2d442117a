import random
import re
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.codecs import multipart
from app.codecs.multipart import MAX_PARTS, MAX_SIMPLE_BYTES, MAX_SIMPLE_PARTS, read_form
from app.errors import InvalidInputError

NO_FORM = (
    "The body is {}, but a form or JSON is required: send multipart/form-data with the fields model and files, as curl "
    "-F does, or application/json with model and images."
)
INCOMPLETE = "The form is incomplete: its last boundary is missing; send it as curl -F does."
NO_NAME = "A part of the form has no name; name each as model, version or files."
TYPE = "multipart/form-data; boundary=cut"

Given = list[tuple[str, str | bytes]]
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters='"\\;%'), min_size=1)


def encoded(fields: Given, filename: str = "a.png") -> tuple[str, bytes]:
    """As httpx sends a form: text as it stands, bytes as files, in the order given."""
    parts: Any = [(name, (None if isinstance(value, str) else filename, value)) for name, value in fields]
    request = httpx.Request("POST", "http://here", files=parts)
    return request.headers["content-type"], request.read()


def part(name: str, value: str, more: str = "") -> bytes:
    return f'--cut\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}\r\n'.encode()


def rejected(content_type: str, body: bytes) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_form(content_type, body)
    return caught.value.detail


def expect_malformed(body: bytes) -> None:
    """Assert that a body is rejected with a reason, which is the parser's, and a repair."""
    assert re.fullmatch(r"The form is malformed: [A-Z].+\. Send it as curl -F does\.", rejected(TYPE, body))


@pytest.mark.slow
@given(fields=st.lists(st.tuples(NAMES, st.text(max_size=40) | st.binary(max_size=200)), min_size=1, max_size=8))
@example(fields=[("files", b"\r\n--"), ("files", b"\r\n"), ("files", b""), ("model", "")])
@settings(max_examples=150, deadline=None)
def test_a_form_comes_out_as_httpx_sent_it(fields: Given) -> None:
    expected: dict[str, list[str | bytes]] = {}
    for name, value in fields:
        expected.setdefault(name, []).append(value)
    assert read_form(*encoded(fields)) == expected


def test_fields_may_come_in_any_order_and_the_files_keep_theirs() -> None:
    fields = read_form(*encoded([("files", b"1"), ("version", "2"), ("files", b"3"), ("model", "m"), ("files", b"4")]))
    assert fields == {"files": [b"1", b"3", b"4"], "version": ["2"], "model": ["m"]}
    assert list(fields) == ["files", "version", "model"]


@pytest.mark.parametrize(
    "name", ["\u00fc.png", "\u6570\u5b57.png", "a b.png", 'a"b.png', "", "../../etc/passwd", "x" * 3000]
)
def test_a_file_may_have_any_name(name: str) -> None:
    body = part("files", "content", f'; filename="{name}"') + b"--cut--\r\n"
    assert read_form(TYPE, body) == {"files": [b"content"]}


def test_a_file_may_have_a_name_in_latin_1() -> None:
    body = part("files", "content", '; filename="\u00fc.png"').replace("\u00fc".encode(), b"\xfc") + b"--cut--\r\n"
    assert read_form(TYPE, body) == {"files": [b"content"]}


def test_a_header_of_more_than_four_kilobytes_is_rejected() -> None:
    expect_malformed(part("files", "content", f'; filename="{"x" * 5000}"') + b"--cut--")


def test_a_boundary_in_a_file_that_is_none_is_content() -> None:
    content = b"--cu\r\n --cut\r\n-cut--\r\n\r\n--cu\n--cut--\r\n--cu"
    body = part("files", content.decode(), '; filename="a"') + b"--cut--\r\n"
    assert read_form(TYPE, body) == {"files": [content]}


def test_names_of_headers_and_of_the_type_may_be_in_any_case() -> None:
    body = part("model", "m").replace(b"Content-Disposition", b"CONTENT-disposition") + b"--cut--"
    assert read_form('Multipart/Form-Data; charset=utf-8; boundary="cut"', body) == {"model": ["m"]}


def test_a_part_may_have_other_headers_and_what_stands_around_the_parts_is_passed_over() -> None:
    body = part("model", "m").replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain\r\nX-More: 1\r\n\r\n", 1)
    assert read_form(TYPE, body + b"--cut--\r\nepilogue") == {"model": ["m"]}


@pytest.mark.parametrize("cut", [1, 3, 8, 20])
def test_a_form_without_its_last_boundary_is_rejected(cut: int) -> None:
    body = part("model", "m") + part("files", "content", '; filename="a"') + b"--cut--"
    assert read_form(TYPE, body)["files"] == [b"content"]
    assert rejected(TYPE, body[:-cut]) == INCOMPLETE


@pytest.mark.parametrize(
    "body", [b"--cut nonsense", b"--cut\r\nno header\r\n\r\n--cut--", b"--cut\r\nNo: name\r\n\r\n"]
)
def test_a_malformed_form_is_rejected(body: bytes) -> None:
    expect_malformed(body)


def test_a_line_in_a_file_that_begins_as_a_boundary_is_rejected_as_rfc_2046_demands() -> None:
    expect_malformed(part("files", "\r\n--cutter", '; filename="a"') + b"--cut--\r\n")


@pytest.mark.parametrize("body", [b"", b"--cut", b"--cut\r\n", b"nonsense", b"--other\r\n"])
def test_a_form_that_ends_before_it_has_begun_is_rejected(body: bytes) -> None:
    assert rejected(TYPE, body) == INCOMPLETE


@pytest.mark.parametrize("headers", [b"", b"Content-Type: text/plain\r\n", b'Content-Disposition: x; name="a"\r\n'])
def test_a_part_that_is_no_field_of_a_form_is_rejected(headers: bytes) -> None:
    expect_malformed(b"--cut\r\n" + headers + b"\r\nvalue\r\n--cut--")


@pytest.mark.parametrize("name", [b"", b"; name", b'; name=""'])
def test_a_part_without_a_name_is_rejected(name: bytes) -> None:
    body = b"--cut\r\nContent-Disposition: form-data" + name + b"\r\n\r\nvalue\r\n--cut--"
    assert rejected(TYPE, body) == NO_NAME


@pytest.mark.parametrize(
    ("content_type", "message"),
    [
        ("", "of no type"),
        ("application/json", "application/json"),
        ("application/x-www-form-urlencoded", "application/x-www-form-urlencoded"),
        ("multipart/mixed; boundary=cut", "multipart/mixed"),
        ("multipart/form-data", "multipart/form-data"),
        ("multipart/form-data; boundary=", "multipart/form-data"),
        ("x" * 1000, "x" * 40),
    ],
)
def test_a_body_that_is_no_form_is_refused_by_its_type(content_type: str, message: str) -> None:
    assert rejected(content_type, part("model", "m") + b"--cut--") == NO_FORM.format(message)


def test_the_most_parts_are_taken_and_one_more_is_rejected() -> None:
    assert len(read_form(TYPE, part("a", "1") * MAX_PARTS + b"--cut--")["a"]) == MAX_PARTS == 1000
    message = "The form has more than 1000 parts, which is the limit; send fewer."
    assert rejected(TYPE, part("a", "1") * (MAX_PARTS + 1) + b"--cut--") == message


@pytest.mark.slow
@given(
    body=st.binary(max_size=300)
    | st.lists(st.sampled_from([b"--cut", b"--", b"\r\n", b":", b"a", b'name="']), max_size=40).map(b"".join)
)
@settings(max_examples=150, deadline=None)
def test_whatever_the_body_it_is_read_or_rejected(body: bytes) -> None:
    with suppress(InvalidInputError):
        read_form(TYPE, body)


@given(content_type=st.text(st.characters(max_codepoint=255), max_size=60).map("multipart/form-data; ".__add__))
@settings(max_examples=100, deadline=None)
def test_whatever_the_type_the_form_is_read_or_rejected(content_type: str) -> None:
    with suppress(InvalidInputError):
        read_form(content_type, part("model", "m") + b"--cut--")


FILE = part("files", "a\r\n\r\nb\r\n--cu\r\n", '; filename="a.png"\r\nContent-Type: image/png')
PIECES = [
    *(part("model", "m"), part("files", "", '; filename=""'), FILE, b"--cut--\r\n", b"--cut--", b"--cut", b"\r\n"),
    *(b"--cut \r\n", b"--cutter\r\n", b"\n", b"epilogue", b"\r\n\r\n", b"Content-Disposition: form-data; name=a\r\n"),
    *(b"--cut\r\n\r\n", b"--boundary\r\n", b"--boundary--", part("model", "--boundary--"), part("", "nameless")),
]


def outcome(body: bytes) -> object:
    try:
        return read_form(TYPE, body)
    except InvalidInputError as error:
        return error.detail


def test_a_form_that_is_split_has_the_outcome_of_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = random.Random(0)
    bodies = [b"".join(drawn.choices(PIECES, k=drawn.randint(0, 6))) for _ in range(3000)]
    found = [outcome(body) for body in bodies]
    assert sum(isinstance(fields, dict) for fields in found) > 100
    monkeypatch.setattr(multipart, "_split", lambda *_: None)
    assert found == [outcome(body) for body in bodies]


def test_a_common_form_is_split_up_to_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    parse = multipart._parse
    monkeypatch.setattr(multipart, "_parse", lambda boundary, body: (parsed.append(body), parse(boundary, body))[1])
    end, length = b"--cut--\r\n", MAX_SIMPLE_BYTES - len(part("files", "", '; filename="a"')) - len(b"--cut--\r\n")
    for parts, one_more in ((MAX_SIMPLE_PARTS, False), (MAX_SIMPLE_PARTS + 1, True)):
        assert read_form(TYPE, part("model", "m") * parts + end) == {"model": ["m"] * parts}
        assert bool(parsed) == one_more
    parsed.clear()
    for size in (length, length + 1):
        assert read_form(TYPE, part("files", "x" * size, '; filename="a"') + end) == {"files": [b"x" * size]}
        assert bool(parsed) == (size > length)
