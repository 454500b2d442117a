"""multipart/form-data, parsed from a whole body that is already within its limits."""

from functools import lru_cache
from typing import NamedTuple

from multipart import MultipartError, PushMultipartParser, parse_options_header

from app.errors import InvalidInputError

Fields = dict[str, list[str | bytes]]
"""Values by the name of their field, in their order: text as text, files as bytes."""

MAX_PARTS = 1000
"""Most parts of a form, far more than any client sends."""
MAX_SIMPLE_PARTS, MAX_SIMPLE_BYTES = 16, 2**20
"""Most parts and bytes of a form that is split at its boundaries: of more, each part and byte costs more than that."""
SIMPLE_ENDS = (b"--\r\n", b"--")
"""What stands behind the last boundary of a simple form."""


class _PartHeader(NamedTuple):
    """What the header of a part says."""

    name: str
    is_file: bool


def read_form(content_type: str, body: bytes) -> Fields:
    """Read the fields of a form.

    Args:
        content_type: the request's header, which has the boundary.
        body: all of it.

    Raises:
        InvalidInputError: the body is no multipart form, or a malformed one.
    """
    kind, boundary = _kind_and_boundary(content_type)
    if kind != "multipart/form-data" or not boundary:
        raise InvalidInputError(
            f"The body is {content_type.partition(';')[0][:40] or 'of no type'}, but a form or JSON is required: send "
            f"multipart/form-data with the fields model and files, as curl -F does, or application/json with model and "
            f"images."
        )
    fields = _split(boundary.encode("latin-1"), body) if len(body) <= MAX_SIMPLE_BYTES else None
    return _parse(boundary.encode("latin-1"), body) if fields is None else fields


def media_type(content_type: str) -> str:
    """The type that a Content-Type names, without its parameters; empty where there is none."""
    return _kind_and_boundary(content_type)[0]


@lru_cache(256)
def _kind_and_boundary(content_type: str) -> tuple[str, str]:
    """A content type and its boundary; clients send the same ones again and again."""
    kind, options = parse_options_header(content_type)
    return kind, options.get("boundary", "")


def _split(boundary: bytes, body: bytes) -> Fields | None:
    """The fields of a form as clients commonly send it; None where the parser has to decide."""
    first, *parts = body.split(b"\r\n--" + boundary, MAX_SIMPLE_PARTS)
    if not first.startswith(b"--" + boundary) or not parts or parts.pop() not in SIMPLE_ENDS:
        return None
    fields: Fields = {}
    for part in (first[2 + len(boundary) :], *parts):
        head, _, content = part.partition(b"\r\n\r\n")
        header = _part_header(head)
        if header is None:
            return None
        fields.setdefault(header.name, []).append(content if header.is_file else content.decode("utf-8", "replace"))
    return fields


@lru_cache(256)
def _part_header(head: bytes) -> _PartHeader | None:
    """The header of a part, from the end of its boundary on; clients send the same ones again and again."""
    parser = PushMultipartParser(b"boundary", header_charset="latin-1")
    try:
        events = list(parser.parse(b"--boundary" + head + b"\r\n\r\n\r\n--boundary--"))
    except MultipartError:
        return None
    if len(events) != 2 or not events[0].name:
        return None
    return _PartHeader(_text(events[0].name), events[0].filename is not None)


def _text(name: str) -> str:
    return name.encode("latin-1").decode("utf-8", "replace")


def _parse(boundary: bytes, body: bytes) -> Fields:
    try:
        # header values reach an application as Latin-1, whatever their bytes
        parser = PushMultipartParser(boundary, header_charset="latin-1")
        fields = _fields(parser, body)
    except MultipartError as error:
        raise InvalidInputError(f"The form is malformed: {error}. Send it as curl -F does.") from error
    try:
        parser.close()
    except MultipartError as error:
        raise InvalidInputError(
            "The form is incomplete: its last boundary is missing; send it as curl -F does."
        ) from error
    return fields


def _fields(parser: PushMultipartParser, body: bytes) -> Fields:
    fields: Fields = {}
    parts, name, is_file, content = 0, "", False, b""
    for event in parser.parse(body) if body else ():
        if event is None:  # the end of a part
            fields.setdefault(name, []).append(content if is_file else content.decode("utf-8", "replace"))
        elif isinstance(event, bytes):  # all of its content, as the body is whole
            content = event
        else:
            parts += 1
            if parts > MAX_PARTS:
                raise InvalidInputError(f"The form has more than {MAX_PARTS} parts, which is the limit; send fewer.")
            if not event.name:
                raise InvalidInputError("A part of the form has no name; name each as model, version or files.")
            name = _text(event.name)
            is_file, content = event.filename is not None, b""
    return fields
