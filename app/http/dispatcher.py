"""Entry point of every request: its API key, limits, route, response, metrics and log line."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.auth.access import is_public
from app.errors import RequestTimeoutError, ServiceError, UnavailableError
from app.http.context import RequestContext, body_too_large
from app.http.cors import CORS
from app.http.forwarded import client_of
from app.http.problems import internal_error, render_problem
from app.http.routing import DirectRoute, RouteTable
from app.observability.logs import log_access
from app.service import Service

logger = logging.getLogger("app.access")

PREFLIGHT = "access-control-request-method"
"""Header of the requests with which a browser asks what a page of another origin may do."""
CLIENT_CLOSED_REQUEST = 499
"""Status recorded of a request whose client disconnected before the response; nginx's code."""


class Dispatcher:
    """Calls the endpoints of direct routes itself, and FastAPI for all others.

    Args:
        app: FastAPI.
        service: what the endpoints use.
        routes: all routes.
    """

    def __init__(self, app: ASGIApp, service: Service, routes: RouteTable) -> None:
        self._app = app
        self.service = service
        self._routes = routes
        origins = service.settings.cors_origins
        self.cors = None if origins is None else CORS(origins)
        """What browsers are told of other origins; None: nothing."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a request."""
        service = self.service
        root = service.settings.root_path
        if root is not None:
            scope["root_path"] = root
        context = RequestContext(scope, receive, service.settings.max_body_bytes, service.tracer)
        task = asyncio.current_task()
        assert task is not None
        self.begin(context, partial(_cancel, context, task))
        try:
            self.check_head(context)
            if scope["method"] == "OPTIONS":
                await self._send(context, self._options(context), send)
                return
            if root is not None and scope["path"] == root:
                await self._send(context, RedirectResponse(f"{root}/"), send)  # else relative addresses would lose it
                return
            route = self._routes.find(context)
            if isinstance(route, DirectRoute):
                await self._send(context, await route.endpoint(service, context), send)
            else:
                await self._call_fastapi(context, send)
        except ClientDisconnect:
            context.status = context.status or CLIENT_CLOSED_REQUEST
        except asyncio.CancelledError:
            if not context.expired or context.status:
                raise
            await self._send(context, self.timeout_response(context), send)
        except Exception as error:
            if context.status:  # the response has begun; uvicorn closes the connection
                raise
            await self._send(context, self.error_response(context, error), send)
        finally:
            self.end(context)

    def begin(self, context: RequestContext, expire: Callable[[], None]) -> None:
        """Count a request as in flight.

        Args:
            context: the request.
            expire: called once its deadline has passed.
        """
        self.service.last_request_at = perf_counter()
        self.service.requests_in_flight[context] = expire

    def check_head(self, context: RequestContext) -> None:
        """Check what needs only the headers, before the body is received: ``authorize`` and ``check_limits``."""
        if self.service.access is not None:
            self.authorize(context)
        self.check_limits(context)

    def authorize(self, context: RequestContext) -> None:
        """Find the request's API key, where its path requires one.

        OPTIONS requires none: browsers send no key in a preflight, and it tells no more than the documentation does.

        Raises:
            UnauthorizedError: the request has no key, or an unknown one.
            RateLimitError: the key has sent too many requests.
        """
        service = self.service
        if service.access is None or context.scope["method"] == "OPTIONS":
            return
        if not is_public(context.path, service.settings.metrics_require_key):
            service.access.authorize(context)

    def check_limits(self, context: RequestContext) -> None:
        """Check limits that need only the headers, before the body is received.

        Raises:
            TooLargeError: its body is declared larger than the limit.
        """
        limit = self.service.settings.max_body_bytes
        if context.head.declared_bytes > limit:
            raise body_too_large(limit, headers={"Connection": "close"})  # so it is not received

    def _options(self, context: RequestContext) -> Response:
        """The response to OPTIONS; a preflight of a browser is one whatever its path is."""
        if self.cors is None or context.head.origin is None or PREFLIGHT not in context.headers:
            return self._routes.options(context)
        context.route = "preflight"
        response = Response(status_code=204)
        response.raw_headers += self.cors.preflight_headers(context.head.origin)
        return response

    async def _send(self, context: RequestContext, response: Response, send: Send) -> None:
        """Send a response with its whole body; to HEAD, without it."""
        context.status = response.status_code
        headers = [*response.raw_headers, *self.common_headers(context)]
        body = b"" if context.scope["method"] == "HEAD" else response.body
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _call_fastapi(self, context: RequestContext, send: Send) -> None:
        """Have FastAPI respond, to HEAD as to GET."""
        scope = context.scope
        head = scope["method"] == "HEAD"

        async def send_with_common_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self.common_headers(context)]
            elif head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        scope.setdefault("state", {})["context"] = context
        path = scope.get("root_path", "") + context.path
        routed = {**scope, "path": path, "method": "GET" if head else scope["method"]}
        try:
            await self._app(routed, context.receive_within_limit, send_with_common_headers)
        finally:
            context.route = context.route or getattr(routed.get("route"), "path", "")
            del scope["state"]["context"]  # what refers to itself waits for the garbage collector

    def common_headers(self, context: RequestContext) -> list[tuple[bytes, bytes]]:
        """The headers of every response."""
        headers = [(b"x-request-id", context.request_id.encode("ascii"))]
        if self.cors is not None:
            headers += self.cors.response_headers(context.head.origin)
        if self.service.draining:
            headers.append((b"connection", b"close"))
        return headers

    def error_response(self, context: RequestContext, error: Exception) -> Response:
        """The response to a request that raised an error, which is counted."""
        return render_problem(context, self.record_error(context, error))

    def record_error(self, context: RequestContext, error: Exception) -> HTTPException:
        """Count the error of a request, or log an unexpected one; returns what the client gets to know of it."""
        if isinstance(error, ServiceError):
            self.service.metrics.rejections.labels(error.reason).inc()
        return error if isinstance(error, HTTPException) else internal_error(context, error)

    def timeout_response(self, context: RequestContext) -> Response:
        """The response to a request past its deadline."""
        return self.error_response(context, self.timeout_error(context))

    def timeout_error(self, context: RequestContext) -> ServiceError:
        """The error of a request past its deadline."""
        seconds = f"{self.service.settings.request_timeout_seconds:g} seconds, which is the limit"
        if context.complete:
            return UnavailableError(
                f"The request was not answered within {seconds}; try again later.", reason="timeout"
            )
        return RequestTimeoutError(f"The request's body was not received within {seconds}; send it faster or in parts.")

    def end(self, context: RequestContext) -> None:
        """Record a finished request in metrics, trace and log."""
        del self.service.requests_in_flight[context]
        metrics, seconds = self.service.metrics, perf_counter() - context.started
        # never the raw path, which the client chooses freely
        route = context.route or "none"
        metrics.observations["request", route, str(context.status or CLIENT_CLOSED_REQUEST)].append(seconds)
        if context.span is not None:
            method = context.scope["method"]
            context.span.end(context.status, {"http.route": route, "nalu.rows": context.rows}, f"{method} {route}")
        if self.service.settings.access_log:
            client, scheme = client_of(context.scope, self.service.settings.forwarded_allow_ips)
            log_access(
                logger,
                method=context.scope["method"],
                path=context.scope["path"],
                status=context.status,
                seconds=seconds,
                request_id=context.request_id,
                client=client,
                scheme=scheme,
                key=context.key and context.key.name,
                rows=context.rows or None,
                trace_id=context.span and context.span.trace_id,
                span_id=context.span and context.span.span_id,
            )


def _cancel(context: RequestContext, task: "asyncio.Task[None]") -> None:
    context.expired = True
    if not context.status:  # else the response is being sent, and the transport bounds that
        task.cancel()
