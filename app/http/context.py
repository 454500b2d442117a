"""One HTTP request: its id, its body within the limit, its deadline and trace, and whether its client is connected."""

import asyncio
from collections.abc import Mapping
from random import getrandbits
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.types import Message, Receive, Scope

from app.auth.key_file import APIKey
from app.codecs.compression import check_encoding, decompress
from app.errors import TooLargeError
from app.http.request_head import RequestHead
from app.observability.tracing import Span, Tracer, epoch_ns


def random_id() -> str:
    """An id for a request whose client gave it none."""
    return "%016x" % getrandbits(64)  # noqa: UP031 - two thirds of the time of an f-string


class RequestContext(HTTPConnection):
    """A request in flight, and its record for response, metrics, trace and log line.

    Args:
        scope: the request, as ASGI gives it.
        receive: source of its body.
        max_body_bytes: limit of the body.
        tracer: starts its span; None without tracing.

    Attributes:
        head: what its headers say.
        started: when it was received, by ``perf_counter``.
        path: its path below the root path, without a slash at its end: what is served, needs a key or not, and is named
            in messages.
        request_id: the client's ``X-Request-ID``, else its trace id, else a random one.
        key: the API key that authorized it; None where none is required.
        route: path of the direct route, with the names of its parameters.
        status: status of the response, 0 before it has begun.
        expired: set before a request past its deadline is cancelled.
        complete: whether its whole body was received.
        span: its span, None without tracing.
        task: computes the response, where that needs a task of its own.
        rows: rows or images submitted to a model.
        outside: whether each row lies outside the training range, where its batch found out.
        decode_seconds: time from its body to the model's input.
    """

    # defaults of the class: a request sets few of them, and to set all took a third of its construction
    request_id = ""
    key: APIKey | None = None
    route = ""
    status = 0
    expired = False
    complete = True
    span: Span | None = None
    task: asyncio.Future[Any] | None = None
    rows = 0
    outside: NDArray[np.bool_] | None = None
    decode_seconds = 0.0
    _received_bytes = 0

    def __init__(self, scope: Scope, receive: Receive, max_body_bytes: int, tracer: Tracer | None) -> None:
        super().__init__(scope)
        self._receive = receive
        self._max_body_bytes = max_body_bytes
        self.started = perf_counter()
        self.head = RequestHead(scope["headers"])
        self.path = _served_path(scope)
        self.complete = not self.head.has_body
        self.request_id = self.head.request_id or random_id()
        if tracer is not None:
            self.start_span(tracer, scope["method"])

    def start_span(self, tracer: Tracer, method: str) -> None:
        """Trace the request from now on."""
        self.span = tracer.start(method, self.head.traceparent, {"http.request.method": method})

    @property
    def authorization(self) -> str | None:
        """Its ``Authorization`` header."""
        return self.head.authorization

    @property
    def api_key(self) -> str | None:
        """Its ``X-API-Key`` header."""
        return self.head.api_key

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
        if not self.head.content_encoding:
            return await self._receive_body()
        check_encoding(self.head.content_encoding)
        body = await self._receive_body()
        # always in a thread: a small body may decompress to a large one
        return await asyncio.to_thread(decompress, body, self.head.content_encoding, self._max_body_bytes)

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
