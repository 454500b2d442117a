"""The fast path: a small prediction is answered where uvicorn has parsed it.

A ``POST /predict/arithmetic`` or ``POST /predict/image`` of at most 64 KiB, on a connection that is idle and stays
open, costs no task, no messages between server and application, and one write: about half of what a request costs
otherwise. All other requests take uvicorn's way to the same dispatcher, and get the same responses.
"""

from functools import cache
from typing import Any

import httptools
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.batching.batch import Result
from app.codecs.tables.media_types import TABLES
from app.errors import ServiceError
from app.http.context import RequestContext
from app.http.dispatcher import CLIENT_CLOSED_REQUEST, Dispatcher
from app.routes.image_request import ImageRequest
from app.routes.tabular_request import TabularRequest
from app.transport.framing import Part
from app.transport.uvicorn_protocol import MAX_BODY_BYTES, Cycle, CycleProtocol

FAST_PATH_ROUTES: dict[str, type[TabularRequest | ImageRequest]] = {
    "/predict/arithmetic": TabularRequest,
    "/predict/image": ImageRequest,
}
"""Requests that may take the fast path, by their path."""


@cache
def fast_paths(root_path: str | None) -> dict[bytes, str]:
    """The route of each target that may take the fast path: with and without the prefix of a proxy."""
    prefixes = {"", root_path or ""}
    return {(prefix + route).encode("ascii"): route for route in FAST_PATH_ROUTES for prefix in prefixes}


class FastPathProtocol(CycleProtocol):
    """uvicorn's protocol with the fast path; its application must be an ``app.main.Application``."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        settings = self.app.dispatcher.service.settings
        self.max_head_bytes = settings.max_head_bytes
        self.max_header_fields = settings.max_header_fields
        self.fast_paths = fast_paths(settings.root_path)

    def choose_cycle(self) -> Cycle | None:
        cycle = FastPathCycle(self, self.fast_paths[self.url])
        return cycle if cycle.fits else None

    def send_rejection(self, error: ServiceError) -> None:
        """Send the response to a request that is not even begun; it is counted and logged as all others are."""
        dispatcher: Dispatcher = self.app.dispatcher
        begun = self.part is not Part.BEGIN  # else the target and headers are those of the request before
        method = self.parser.get_method().decode("ascii") if begun else ""
        path = _path(self.url) if begun else ""
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "root_path": dispatcher.service.settings.root_path or "",
            "headers": self.headers if begun else [],
            "client": self.client,
            "scheme": self.scheme,
        }
        context = RequestContext(scope, _receive_nothing, dispatcher.service.settings.max_body_bytes, None)
        dispatcher.begin(context, _do_nothing)
        response = dispatcher.error_response(context, error)
        context.status = response.status_code
        common = [*dispatcher.common_headers(context), (b"connection", b"close")]
        headers = dict([*self.server_state.default_headers, *response.raw_headers, *common])  # each once
        body = b"" if method == "HEAD" else bytes(response.body)
        self.write_response(response.status_code, headers.items(), body)
        dispatcher.end(context)


class FastPathCycle(Cycle):
    """A request on the fast path.

    Args:
        protocol: the connection.
        route: one of ``FAST_PATH_ROUTES``.
    """

    def __init__(self, protocol: FastPathProtocol, route: str) -> None:
        self.protocol = protocol
        self.body = bytearray()
        self._request_type = FAST_PATH_ROUTES[route]
        self._dispatcher: Dispatcher = protocol.app.dispatcher
        service = self._dispatcher.service
        max_bytes = service.settings.max_body_bytes
        scope = {
            "type": "http",
            "method": "POST",
            "path": route,
            "headers": protocol.headers,
            "client": protocol.client,
            "scheme": protocol.scheme,
        }
        self.context = context = FastPathContext(scope, _receive_nothing, max_bytes, service.tracer)
        context.started = protocol.read_at
        context.route = route
        length = context.declared_bytes
        whole = not context.content_encoding and not context.content_type.lower().startswith(TABLES)
        self.fits = whole and 0 < length <= MAX_BODY_BYTES and length <= max_bytes
        """Whether the body has a length, one that the fast path takes, and is neither compressed nor a table."""

    def begin(self) -> None:
        """Accept the request, or reject it before its body is received."""
        self.context.cycle = self
        self._dispatcher.begin(self.context, self._expire)
        try:
            self._dispatcher.authorize(self.context)
            self._dispatcher.check_limits(self.context)
        except Exception as error:  # as the dispatcher does
            self.fail(error)

    def start(self) -> None:
        """Respond, now that the body is complete."""
        if self.response_complete:  # rejected, or past its deadline
            return
        self.more_body, self.context.complete = False, True
        try:
            request = self._request_type(self._dispatcher.service, self.context, bytes(self.body))
            request.start(_ResultSender(self, request))
        except Exception as error:  # as the dispatcher does
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Respond with an error, unless the request is answered already."""
        if self.response_complete:
            return
        if isinstance(error, ClientDisconnect):
            self.context.status = CLIENT_CLOSED_REQUEST
            self.complete()
        else:
            self.reply(self._dispatcher.error_response(self.context, error))

    def reply(self, response: Response) -> None:
        """Respond, unless the request is answered already."""
        if self.response_complete:
            return
        context = self.context
        context.status = response.status_code
        headers = [*response.raw_headers, *self._dispatcher.common_headers(context)]
        self.send(response.status_code, headers, bytes(response.body))

    def complete(self) -> None:
        self.response_complete = True
        self._dispatcher.end(self.context)
        self.context.cycle = None

    def _expire(self) -> None:
        """The request is past its deadline."""
        self.context.expired = True
        if self.context.task is not None:
            self.context.task.cancel()
        self.reply(self._dispatcher.timeout_response(self.context))


class FastPathContext(RequestContext):
    """A request context with access to its connection."""

    cycle: FastPathCycle | None = None
    """None before the request is begun, and once it is answered: what refers to itself waits for the collector."""

    def is_disconnected(self) -> bool:
        return self.cycle is None or self.cycle.disconnected


class _ResultSender:
    """Takes a model's outputs, and sends the response to them."""

    __slots__ = ("_cycle", "_request")

    def __init__(self, cycle: FastPathCycle, request: TabularRequest | ImageRequest) -> None:
        self._cycle = cycle
        self._request = request

    def __call__(self, result: Result) -> None:
        try:
            if isinstance(result, Exception):
                raise result
            self._cycle.reply(self._request.response(result))
        except Exception as error:  # the other requests of the batch are still to be answered
            self._cycle.fail(error)


async def _receive_nothing() -> Any:
    raise AssertionError("the fast path has the whole body")


def _do_nothing() -> None: ...


def _path(url: bytes) -> str:
    """Path of a target, which may have come in part."""
    try:
        return (httptools.parse_url(url).path or b"").decode("latin-1")
    except httptools.HttpParserError:
        return ""
