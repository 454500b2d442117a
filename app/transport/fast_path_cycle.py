"""A request on the fast path, from its head to its response."""

from functools import cached_property

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope

from app.batching.batch import Result
from app.http.context import RequestContext, random_id
from app.http.dispatcher import CLIENT_CLOSED_REQUEST, Dispatcher
from app.http.responses import RawJSONResponse
from app.routes.image_request import ImageRequest
from app.routes.tabular_request import TabularRequest
from app.transport.known_heads import FastPathHead
from app.transport.prepared_response import PreparedResponse
from app.transport.uvicorn_protocol import Cycle, CycleProtocol

_PREPARED = PreparedResponse()

FAST_PATH_ROUTES: dict[str, type[TabularRequest | ImageRequest]] = {
    "/predict/arithmetic": TabularRequest,
    "/predict/image": ImageRequest,
}
"""Requests that may take the fast path, by their path."""


class FastPathCycle(Cycle):
    """A request on the fast path.

    Args:
        protocol: the connection.
        head: of the request.
    """

    _request: TabularRequest | ImageRequest | None = None
    """None before the body is complete, and once it is answered."""

    def __init__(self, protocol: CycleProtocol, head: FastPathHead) -> None:
        self.protocol = protocol
        self.head = head
        self._dispatcher: Dispatcher = protocol.app.dispatcher
        self.context = FastPathContext(protocol, head)

    def begin(self) -> None:
        """Accept the request, or reject it before its body is received."""
        context, dispatcher = self.context, self._dispatcher
        context.cycle = self
        dispatcher.begin(context, self._expire)
        try:
            dispatcher.check_head(context)
        except Exception as error:  # as the dispatcher does
            self.fail(error)

    def start(self, body: bytes) -> None:
        if self.response_complete:  # rejected, or past its deadline
            return
        context = self.context
        self.more_body, context.complete = False, True
        try:
            self._request = FAST_PATH_ROUTES[context.route](self._dispatcher.service, context, body)
            self._request.start(self._respond)
        except Exception as error:  # as the dispatcher does
            self.fail(error)

    def _respond(self, result: Result) -> None:
        """Respond to a model's outputs, or to an error, unless the request is answered already."""
        if self._request is None:
            return
        try:
            if isinstance(result, Exception):
                raise result
            self.reply_json(self._request.encode(result))
        except Exception as error:  # the other requests of the batch are still to be answered
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

    def reply_json(self, body: bytes) -> None:
        """Respond as ``reply`` does, with status 200 and JSON."""
        dispatcher, protocol = self._dispatcher, self.protocol
        if (
            dispatcher.cors is not None or dispatcher.service.draining or not self.keep_alive
        ):  # it has other headers too
            self.reply(RawJSONResponse(body))
            return
        if self.response_complete:
            return
        context = self.context
        context.status = 200
        if not protocol.transport.is_closing():
            head = _PREPARED.format(protocol.server_state.default_headers)
            protocol.transport.write(head % (len(body), context.request_id.encode("ascii"), body))
        self.complete()
        protocol.on_response_complete()

    def complete(self) -> None:
        self.response_complete, self.body = True, b""
        self._dispatcher.end(self.context)
        self.context.cycle = self._request = None

    def _expire(self) -> None:
        """The request is past its deadline."""
        self.context.expired = True
        if self.context.task is not None:
            self.context.task.cancel()
        self.reply(self._dispatcher.timeout_response(self.context))


class FastPathContext(RequestContext):
    """A request context with access to its connection.

    Args:
        protocol: the connection.
        head: of the request.
    """

    cycle: FastPathCycle | None = None
    """None before the request is begun, and once it is answered: what refers to itself waits for the collector."""
    head: FastPathHead
    complete = False

    def __init__(self, protocol: CycleProtocol, head: FastPathHead) -> None:
        # the result of RequestContext.__init__, but for the scope, which few requests need
        self.head = head
        self.path = self.route = head.route
        self.started = protocol.read_at
        self._client = protocol.client, protocol.scheme
        self.request_id = head.request_id or random_id()
        tracer = protocol.app.dispatcher.service.tracer
        if tracer is not None:
            self.start_span(tracer, "POST")

    @cached_property
    def scope(self) -> Scope:  # type: ignore[override]  # an attribute of Starlette's, set by its __init__
        """The request, as ASGI gives it."""
        client, scheme = self._client
        return {
            "type": "http",
            "method": "POST",
            "path": self.route,
            "headers": self.head.headers,
            "client": client,
            "scheme": scheme,
        }

    def is_disconnected(self) -> bool:
        return self.cycle is None or self.cycle.disconnected
