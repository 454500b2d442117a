"""multipart/form-data, parsed from a whole body that is already within its limits."""

from functools import lru_cache
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.errors import InvalidInputError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

Fields = dict[str, list[str | bytes]]
"""Values by name of the field, in their order: text as text, files as bytes."""

MAX_PARTS = 1000
"""Most parts of a form; more than that is no form that anybody fills in."""


def read_form(content_type: str, body: bytes) -> Fields:
    """The fields of a form.

    Args:
        content_type: the request's header, which holds the boundary.
        body: all of it.

    Raises:
        InvalidInputError: it is no multipart form, or a broken one.
    """
    kind, options = _options(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise InvalidInputError(
            f"The body is {content_type.partition(';')[0][:40] or 'of no type'}, but a form is needed: send "
            f"multipart/form-data with the fields model and files, as curl -F does."
        )
    parts = _Parts()
    try:
        parser = MultipartParser(boundary, parts.callbacks(), max_size=float("inf"))
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise InvalidInputError("The form is broken: a boundary or a header of a part is not as it must be.") from error
    if not parts.ended:
        raise InvalidInputError("The form is not whole: its last boundary is missing.")
    return parts.fields


@lru_cache(256)
def _options(header: str | bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """A header's value and its options; clients send the same ones again and again."""
    return parse_options_header(header)


class _Parts:
    """Collects what the parser finds."""

    def __init__(self) -> None:
        self.fields: Fields = {}
        self.ended = False
        self._count = 0
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._data: list[bytes] = []

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_name,
            "on_header_value": self._on_value,
            "on_header_end": self._on_header,
            "on_part_data": self._on_data,
            "on_part_end": self._on_part,
            "on_end": self._on_end,
        }

    def _begin(self) -> None:
        self._count += 1
        if self._count > MAX_PARTS:
            raise InvalidInputError(f"The form has more than {MAX_PARTS} parts, which is the limit; send fewer.")
        self._headers, self._data = {}, []

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _on_part(self) -> None:
        kind, options = _options(self._headers.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise InvalidInputError("A part of the form has no name; name each as model, version or files.")
        content = b"".join(self._data)
        value: str | bytes = content if b"filename" in options else content.decode("utf-8", "replace")
        self.fields.setdefault(options[b"name"].decode("utf-8", "replace"), []).append(value)

    def _on_end(self) -> None:
        self.ended = True
