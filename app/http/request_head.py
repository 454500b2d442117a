"""What a request's headers say, as far as every request is asked for it."""

import re
from collections.abc import Callable, Sequence

from app.observability.tracing import trace_id_of

ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Request ids accepted from clients: harmless in logs and headers."""


class RequestHead:
    """The headers that are read from every request. It never changes, so requests with equal headers may share it.

    Args:
        headers: as ASGI gives them.

    Attributes:
        headers: all of them.
        request_id: the client's ``X-Request-ID``, else its trace id, else empty.
        authorization: its ``Authorization`` header.
        api_key: its ``X-API-Key`` header.
        traceparent: its ``traceparent`` header.
        origin: its ``Origin`` header.
        content_type: its ``Content-Type`` header, empty without one.
        content_encoding: how its body is compressed, empty where it is not.
        declared_bytes: its ``Content-Length``, 0 without one.
        has_body: whether a body follows.
    """

    # defaults of the class: a request sets few of them
    request_id = ""
    authorization: str | None = None
    api_key: str | None = None
    traceparent: str | None = None
    origin: bytes | None = None
    content_type = ""
    content_encoding = ""
    declared_bytes = 0
    has_body = False

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.headers = headers
        for name, value in headers:
            read = _HEADERS.get(name)
            if read is not None:
                read(self, value)
        if not self.request_id and self.traceparent is not None:
            self.request_id = trace_id_of(self.traceparent) or ""

    def _read_content_length(self, value: bytes) -> None:
        self.declared_bytes = int(value) if value.isdigit() else 0
        self.has_body = self.declared_bytes > 0

    def _read_transfer_encoding(self, _: bytes) -> None:
        self.has_body = True

    def _read_content_type(self, value: bytes) -> None:
        self.content_type = self.content_type or value.decode("latin-1")

    def _read_content_encoding(self, value: bytes) -> None:
        several = f"{self.content_encoding}, " if self.content_encoding else ""
        self.content_encoding = several + value.decode("latin-1")

    def _read_request_id(self, value: bytes) -> None:
        if ACCEPTABLE_ID.fullmatch(value):
            self.request_id = value.decode("ascii")

    def _read_traceparent(self, value: bytes) -> None:
        self.traceparent = value.decode("latin-1")

    def _read_origin(self, value: bytes) -> None:
        self.origin = value

    def _read_authorization(self, value: bytes) -> None:
        self.authorization = value.decode("latin-1")

    def _read_api_key(self, value: bytes) -> None:
        self.api_key = value.decode("latin-1")


_HEADERS: dict[bytes, Callable[[RequestHead, bytes], None]] = {
    b"content-length": RequestHead._read_content_length,
    b"transfer-encoding": RequestHead._read_transfer_encoding,
    b"content-type": RequestHead._read_content_type,
    b"content-encoding": RequestHead._read_content_encoding,
    b"x-request-id": RequestHead._read_request_id,
    b"traceparent": RequestHead._read_traceparent,
    b"origin": RequestHead._read_origin,
    b"authorization": RequestHead._read_authorization,
    b"x-api-key": RequestHead._read_api_key,
}
"""Headers read from every request, with the method that reads each."""
