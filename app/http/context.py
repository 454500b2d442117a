"""One HTTP request: its id, its body within the limit, its deadline and trace, and whether its client is connected."""

import asyncio
import re
from collections.abc import Callable, Mapping
from random import getrandbits
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Message, Receive, Scope

from app.auth.key_file import APIKey
from app.codecs.compression import check_encoding, decompress
from app.errors import TooLargeError
from app.observability.tracing import Span, Tracer, epoch_ns, trace_id_of

ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Request ids accepted from clients: harmless in logs and headers."""


class RequestContext(HTTPConnection):
    """A request in flight, and its record for response, metrics, trace and log line.

    Args:
        scope: the request, as ASGI gives it.
        receive: source of its body.
        max_body_bytes: limit of the body.
        tracer: starts its span; None without tracing.

    Attributes:
        started: when it was received, by ``perf_counter``.
        path: its path below the root path, without a slash at its end: what is served, needs a key or not, and is named
            in messages.
        request_id: the client's ``X-Request-ID``, else its trace id, else a random one.
        authorization: its ``Authorization`` header.
        api_key: its ``X-API-Key`` header.
        traceparent: its ``traceparent`` header.
        origin: its ``Origin`` header.
        key: the API key that authorized it; None where none is required.
        route: path of the direct route, with the names of its parameters.
        status: status of the response, 0 before it has begun.
        expired: set before a request past its deadline is cancelled.
        content_type: its ``Content-Type`` header, empty without one.
        content_encoding: how its body is compressed, empty where it is not.
        declared_bytes: its ``Content-Length``, 0 without one.
        complete: whether its whole body was received.
        span: its span, None without tracing.
        task: computes the response, where that needs a task of its own.
        rows: rows or images submitted to a model.
        decode_seconds: time from its body to the model's input.
    """

    # defaults of the class: a request sets few of them, and to set all took a third of its construction
    request_id = ""
    authorization: str | None = None
    api_key: str | None = None
    traceparent: str | None = None
    origin: bytes | None = None
    key: APIKey | None = None
    route = ""
    status = 0
    expired = False
    content_type = ""
    content_encoding = ""
    declared_bytes = 0
    complete = True
    span: Span | None = None
    task: asyncio.Future[Any] | None = None
    rows = 0
    decode_seconds = 0.0
    _received_bytes = 0

    def __init__(self, scope: Scope, receive: Receive, max_body_bytes: int, tracer: Tracer | None) -> None:
        super().__init__(scope)
        self._receive = receive
        self._max_body_bytes = max_body_bytes
        self.started = perf_counter()
        self.path = _served_path(scope)
        for name, value in scope["headers"]:
            read = _HEADERS.get(name)
            if read is not None:
                read(self, value)
        if tracer is not None:
            method = scope["method"]
            self.span = tracer.start(method, self.traceparent, {"http.request.method": method})
        if not self.request_id:
            self.request_id = trace_id_of(self.traceparent) or f"{getrandbits(64):016x}"

    def _read_content_length(self, value: bytes) -> None:
        self.declared_bytes = int(value) if value.isdigit() else 0
        self.complete = self.declared_bytes == 0

    def _read_transfer_encoding(self, _: bytes) -> None:
        self.complete = False

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

    async def receive_within_limit(self) -> Message:
        """Receive the next message from the client.

        Raises:
            TooLargeError: the body is over the limit.
        """
        message = await self._receive()
        if message["type"] == "http.request":
            self._receive_part(message)
        return message

    async def body(self) -> bytes:
        """Receive the whole body, and decompress it.

        Raises:
            TooLargeError: it is over the limit, as received or once decompressed.
            UnsupportedEncodingError: its Content-Encoding is unknown.
            InvalidInputError: it is not what its Content-Encoding says.
            ClientDisconnect: the client disconnected.
        """
        if not self.content_encoding:
            return await self._receive_body()
        check_encoding(self.content_encoding)
        body = await self._receive_body()
        # always in a thread: a small body may decompress to a large one
        return await asyncio.to_thread(decompress, body, self.content_encoding, self._max_body_bytes)

    async def _receive_body(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):  # the common case
            return self._receive_part(message)
        parts = []
        while message["type"] == "http.request":
            parts.append(self._receive_part(message))
            if self.complete:
                return b"".join(parts)
            message = await self._receive()
        raise ClientDisconnect

    def _receive_part(self, message: Message) -> bytes:
        content: bytes = message.get("body", b"")
        self._received_bytes += len(content)
        self.complete = not message.get("more_body", False)
        if self._received_bytes > self._max_body_bytes:
            raise body_too_large(self._max_body_bytes)
        return content

    def trace(self, part: str, started: float, ended: float) -> None:
        """Record a part of the work for this request in its trace, with its times by ``perf_counter``."""
        if self.span is not None:
            self.span.child(part, epoch_ns(started), epoch_ns(ended))

    def is_disconnected(self) -> bool:
        """Whether the client has disconnected. Only after the body was received: an earlier message would be lost."""
        waiting: Any = self._receive()
        try:
            waiting.send(None)
        except StopIteration as done:
            return bool(done.value["type"] == "http.disconnect")
        waiting.close()  # no message: the client is connected and waits
        return False


def _served_path(scope: Scope) -> str:
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    if path.endswith("/") and path[-2:] not in ("/", "//"):
        path = path[:-1]
    return path or "/"


def body_too_large(limit: int, headers: Mapping[str, str] | None = None) -> TooLargeError:
    """The error of a body over the limit, in bytes."""
    detail = f"The request body is larger than {limit} bytes; send fewer rows or files at a time."
    return TooLargeError(detail, headers=headers)


_HEADERS: dict[bytes, Callable[[RequestContext, bytes], None]] = {
    b"content-length": RequestContext._read_content_length,
    b"transfer-encoding": RequestContext._read_transfer_encoding,
    b"content-type": RequestContext._read_content_type,
    b"content-encoding": RequestContext._read_content_encoding,
    b"x-request-id": RequestContext._read_request_id,
    b"traceparent": RequestContext._read_traceparent,
    b"origin": RequestContext._read_origin,
    b"authorization": RequestContext._read_authorization,
    b"x-api-key": RequestContext._read_api_key,
}
"""Headers read from every request, with the method that reads each."""
