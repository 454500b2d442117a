"""multipart/form-data, parsed from a whole body that is already within its limits."""

from functools import lru_cache

from multipart import MultipartError, PushMultipartParser, parse_options_header

from app.errors import InvalidInputError

Fields = dict[str, list[str | bytes]]
"""Values by the name of their field, in their order: text as text, files as bytes."""

MAX_PARTS = 1000
"""Most parts of a form, far more than any client sends."""


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
    try:
        # header values reach an application as Latin-1, whatever their bytes
        parser = PushMultipartParser(boundary.encode("latin-1"), header_charset="latin-1")
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


def media_type(content_type: str) -> str:
    """The type that a Content-Type names, without its parameters; empty where there is none."""
    return _kind_and_boundary(content_type)[0]


@lru_cache(256)
def _kind_and_boundary(content_type: str) -> tuple[str, str]:
    """A content type and its boundary; clients send the same ones again and again."""
    kind, options = parse_options_header(content_type)
    return kind, options.get("boundary", "")


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
            name = event.name.encode("latin-1").decode("utf-8", "replace")
            is_file, content = event.filename is not None, b""
    return fields
