"""The front of the service: every request's id, key, limits, route, answer, counters and log line."""

import asyncio
import logging
from functools import partial
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth import MISSING, UNKNOWN, is_open
from app.errors import RequestTimeoutError, ServiceError, UnauthorizedError, UnavailableError, answer_to, crashed
from app.http.context import Call, too_large
from app.http.routing import DirectRoutes
from app.observability.logs import access
from app.service import Service
from app.transport.read_scheduler import ReadScheduler

logger = logging.getLogger("app.access")

GONE = 499
"""What is counted where the client had gone before its answer, as nginx does."""


class Gateway:
    """Answers the requests of direct routes itself and hands the others to FastAPI.

    Args:
        app: FastAPI.
        service: what answers.
        routes: the direct routes.
    """

    def __init__(self, app: ASGIApp, service: Service, routes: DirectRoutes) -> None:
        self._app = app
        self.service = service
        self._routes = routes
        self.read_scheduler = ReadScheduler(service.settings.max_backlog_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        service = self.service
        call = Call(scope, receive, service)
        task = asyncio.current_task()
        assert task is not None
        service.calls[call] = partial(_cancel, call, task)
        try:
            self.admit(call)
            route = self._routes.find(scope)
            if route is None:
                await self._hand_on(call, send)
            else:
                call.route = route.path
                await self._send(call, await route.endpoint(call), send)
        except ClientDisconnect:
            call.status = call.status or GONE
        except asyncio.CancelledError:
            if not call.expired or call.status:
                raise
            await self._send(call, self.refuse_late(call), send)
        except Exception as error:
            if call.status:  # the answer has begun, so all that is left is to end the connection
                raise
            await self._send(call, self.refuse(call, error), send)
        finally:
            self.end(call)

    def admit(self, call: Call) -> None:
        """Refuse who has no key, and a body that says itself that it is too large."""
        service = self.service
        if service.keys is not None and not is_open(call.scope["path"], service.settings.protect_metrics):
            call.key_name = service.keys.check(call.authorization, call.api_key)
            if call.key_name is None:
                raise UnauthorizedError(UNKNOWN if call.authorization or call.api_key else MISSING)
        waited = perf_counter() - call.started
        if waited > service.settings.max_backlog_seconds:
            raise UnavailableError(
                f"The request waited {waited:.1f} seconds to be begun, and {service.settings.max_backlog_seconds:g} is "
                f"the limit; try again later.",
                reason="overloaded",
            )
        if call.declared_bytes > service.settings.max_body_bytes:
            raise too_large(service.settings.max_body_bytes, headers={"Connection": "close"})  # not worth reading

    async def _send(self, call: Call, response: Response, send: Send) -> None:
        """Send an answer whose body is known."""
        call.status = response.status_code
        headers = [*response.raw_headers, *self.common_headers(call)]
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    async def _hand_on(self, call: Call, send: Send) -> None:
        """Let FastAPI answer."""

        async def send_with_common_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self.common_headers(call)]
            await send(message)

        call.scope.setdefault("state", {})["call"] = call
        await self._app(call.scope, call.receive_within_limit, send_with_common_headers)

    def common_headers(self, call: Call) -> list[tuple[bytes, bytes]]:
        """The headers that every answer has."""
        headers = [(b"x-request-id", call.request_id.encode("ascii"))]
        if self.service.draining:
            headers.append((b"connection", b"close"))
        return headers

    def refuse(self, call: Call, error: Exception) -> Response:
        """The answer to a request that failed."""
        if isinstance(error, ServiceError):
            self.service.metrics.rejections.labels(error.reason).inc()
        return answer_to(call, error) if isinstance(error, HTTPException) else crashed(call, error)

    def refuse_late(self, call: Call) -> Response:
        """The answer to a request whose time is over."""
        seconds = f"{self.service.settings.request_timeout_seconds:g} seconds, which is the limit"
        error: ServiceError
        if call.complete:
            error = UnavailableError(
                f"The request was not answered within {seconds}; try again later.", reason="timeout"
            )
        else:
            error = RequestTimeoutError(
                f"The request's body had not come within {seconds}; send it faster or in parts."
            )
        return self.refuse(call, error)

    def end(self, call: Call) -> None:
        """Count a request that is over."""
        del self.service.calls[call]
        metrics, seconds = self.service.metrics, perf_counter() - call.started
        # never the raw path: clients make those up
        route = call.route or getattr(call.scope.get("route"), "path", "none")
        metrics.observations("request", route, str(call.status or GONE)).append(seconds)
        if call.span is not None:
            method = call.scope["method"]
            call.span.end(call.status, {"http.route": route, "nalu.rows": call.rows}, f"{method} {route}")
        if self.service.settings.access_log:
            access(
                logger,
                method=call.scope["method"],
                path=call.scope["path"],
                status=call.status,
                seconds=seconds,
                request_id=call.request_id,
                key=call.key_name,
                rows=call.rows or None,
                trace_id=call.span and call.span.trace_id,
                span_id=call.span and call.span.span_id,
            )


def _cancel(call: Call, task: "asyncio.Task[None]") -> None:
    call.expired = True
    task.cancel()
