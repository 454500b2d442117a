"""What stands around every request: its id, the size limit, the counters, and the end of connections in draining."""

import re
from time import perf_counter
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import TooLargeError, crashed, problem
from app.service import Service

ACCEPTABLE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""Ids that clients may choose: harmless in logs and headers."""


class RequestMiddleware:
    """Wraps the application; copies nothing and buffers nothing.

    Args:
        app: what answers.
        service: its limit, counters and draining state.
    """

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = _request_id(headers)
        scope.setdefault("state", {})["request_id"] = request_id
        limit = self.service.settings.max_body_bytes
        started, status, received = perf_counter(), 0, 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        async def finished_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                answer = MutableHeaders(scope=message)
                answer["X-Request-ID"] = request_id
                if self.service.draining:
                    answer["Connection"] = "close"
            await send(message)

        try:
            if _declared_length(headers) > limit:
                error = _too_large(limit)
                response = problem(request_id, error.status_code, error.detail, headers={"Connection": "close"})
                await response(scope, receive, finished_send)
            else:
                await self.app(scope, counted_receive, finished_send)
        except Exception as error:
            response = crashed(request_id, scope["path"], error)
            if status:  # the answer has begun, so all that is left is to end the connection
                raise
            await response(scope, receive, finished_send)
        finally:
            route = getattr(scope.get("route"), "path", "none")  # never the raw path: clients make those up
            self.service.metrics.requests.labels(route, status).inc()
            self.service.metrics.request_seconds.labels(route).observe(perf_counter() - started)


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if ACCEPTABLE_ID.fullmatch(given) else uuid4().hex[:16]


def _declared_length(headers: Headers) -> int:
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() else 0


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"The request body is larger than {limit} bytes; send fewer rows or files at a time.")
