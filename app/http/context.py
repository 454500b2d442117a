"""One HTTP request: its id, its body within the limits, and whether its client is still there."""

import asyncio
import re
from collections.abc import Callable, Mapping
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Message, Receive, Scope

from app.errors import TooLargeError
from app.observability.tracing import Span, epoch_ns, trace_id_of

if TYPE_CHECKING:
    from app.service import Service

ACCEPTABLE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Ids that clients may choose: harmless in logs and headers."""


class RequestContext(HTTPConnection):
    """A request on its way through the service.

    Args:
        scope: the request, as ASGI gives it.
        receive: where its body comes from; what is read from it is held to the limit.
        service: what answers.
    """

    authorization: str | None = None
    api_key: str | None = None
    traceparent: str | None = None
    key_name: str | None = None
    """Name of the API key that the client showed."""
    route = ""
    """Path of the direct route that answers, with its parameters' names."""
    status = 0
    """Status of the answer, once it has begun."""
    expired = False
    """Set before a request that takes too long is cancelled."""
    declared_bytes = 0
    """Bytes of the body, where the client says so."""
    complete = True
    """Whether the whole body has come."""
    span: Span | None = None
    """Its span, where traces are asked for."""
    task: asyncio.Future[Any] | None = None
    """What computes the answer, where that needs a task of its own."""
    rows = 0
    """Rows or pictures that were predicted."""
    decode_seconds = 0.0
    """Seconds from the body to the model's input."""
    _received = 0

    def __init__(self, scope: Scope, receive: Receive, service: "Service") -> None:
        super().__init__(scope)
        self.service = service
        self.started = service.last_request_at = perf_counter()
        self._source = receive
        self.request_id = ""
        for name, value in scope["headers"]:
            read = _HEADERS.get(name)
            if read is not None:
                read(self, value)
        if service.tracer is not None:
            method = scope["method"]
            self.span = service.tracer.start(method, self.traceparent, {"http.request.method": method})
        if not self.request_id:
            self.request_id = trace_id_of(self.traceparent) or f"{getrandbits(64):016x}"

    def _read_length(self, value: bytes) -> None:
        self.declared_bytes = int(value) if value.isdigit() else 0
        self.complete = self.declared_bytes == 0

    def _read_encoding(self, _: bytes) -> None:
        self.complete = False

    def _read_id(self, value: bytes) -> None:
        if ACCEPTABLE_ID.fullmatch(value):
            self.request_id = value.decode("ascii")

    def _read_trace(self, value: bytes) -> None:
        self.traceparent = value.decode("latin-1")

    def _read_authorization(self, value: bytes) -> None:
        self.authorization = value.decode("latin-1")

    def _read_key(self, value: bytes) -> None:
        self.api_key = value.decode("latin-1")

    async def receive_within_limit(self) -> Message:
        """The next message from the client.

        Raises:
            TooLargeError: the body is larger than the limit of the settings.
        """
        message = await self._source()
        if message["type"] == "http.request":
            self._checked(message)
        return message

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            TooLargeError: it is larger than the limit of the settings.
            ClientDisconnect: the client has gone.
        """
        message = await self._source()
        if message["type"] == "http.request" and not message.get("more_body", False):  # as good as always
            return self._checked(message)
        chunks = []
        while message["type"] == "http.request":
            chunks.append(self._checked(message))
            if self.complete:
                return b"".join(chunks)
            message = await self._source()
        raise ClientDisconnect

    def _checked(self, message: Message) -> bytes:
        """A part of the body, held to the limit."""
        content: bytes = message.get("body", b"")
        self._received += len(content)
        self.complete = not message.get("more_body", False)
        if self._received > self.service.settings.max_body_bytes:
            raise body_too_large(self.service.settings.max_body_bytes)
        return content

    def trace(self, part: str, started: float, ended: float) -> None:
        """Tell the trace what was done for this request, and when, by ``perf_counter``."""
        if self.span is not None:
            self.span.child(part, epoch_ns(started), epoch_ns(ended))

    def is_disconnected(self) -> bool:
        """Whether the client has hung up. Only after the body was read: what came before would be lost."""
        waiting: Any = self._source()
        try:
            waiting.send(None)
        except StopIteration as done:
            return bool(done.value["type"] == "http.disconnect")
        waiting.close()  # nothing has come: the client is there and waits
        return False


def body_too_large(limit: int, headers: Mapping[str, str] | None = None) -> TooLargeError:
    """The body is over the limit, in bytes."""
    detail = f"The request body is larger than {limit} bytes; send fewer rows or files at a time."
    return TooLargeError(detail, headers=headers)


_HEADERS: dict[bytes, Callable[[RequestContext, bytes], None]] = {
    b"content-length": RequestContext._read_length,
    b"transfer-encoding": RequestContext._read_encoding,
    b"x-request-id": RequestContext._read_id,
    b"traceparent": RequestContext._read_trace,
    b"authorization": RequestContext._read_authorization,
    b"x-api-key": RequestContext._read_key,
}
"""The headers that every request is looked through for."""
