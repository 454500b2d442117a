"""An express lane through uvicorn, for the requests that come by the thousand.

A small ``POST /predict/arithmetic`` or ``POST /predict/image`` that comes whole, on a connection that is idle and stays
open, is answered right where uvicorn has parsed it: no task, no messages between server and application, one write.
That halves the cost of a request. Other requests take uvicorn's way to the same dispatcher, with the same answer.

This builds on uvicorn's own protocol and on names in it that uvicorn does not promise to keep: its version is pinned.
"""

from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.batching.batch import Result
from app.http.context import RequestContext
from app.http.dispatcher import GONE, Dispatcher
from app.routes.image_request import ImageRequest
from app.routes.tabular_request import TabularRequest

FAST_PATH_ROUTES: dict[bytes, type[TabularRequest | ImageRequest]] = {
    b"/predict/arithmetic": TabularRequest,
    b"/predict/image": ImageRequest,
}
"""What travels here, by its path."""
MAX_BODY_BYTES = 65_536
"""uvicorn stops reading when more than that has come and nobody has taken it."""


class FastPathProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an express lane; the application must be an ``app.main.Application``."""

    lost = False
    """Whether the connection has ended."""
    read_at = 0.0
    """When the data that are parsed were read, by ``perf_counter``."""

    def data_received(self, data: bytes) -> None:
        """Take data, or put them aside if there is too much to do."""
        self._unset_keepalive_if_required()
        self.app.read_scheduler.put(self, data)

    def take(self, data: bytes, read_at: float) -> None:
        """Parse data."""
        self.read_at = read_at
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self.lost = True
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a request; the scope that uvicorn builds here is built later, if it is needed."""
        self._unset_keepalive_if_required()  # the answer to the one before it in its packet has begun to wait
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the lane."""
        request_type = FAST_PATH_ROUTES.get(self.url)
        if request_type is not None and self.parser.get_method() == b"POST" and self._is_idle():
            cycle = FastPathCycle(self, request_type)
            if cycle.fits:
                self.cycle = cycle  # type: ignore[assignment]
                cycle.begin()
                return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is whole."""
        if isinstance(self.cycle, FastPathCycle):
            self.cycle.start()
        else:
            super().on_message_complete()

    def _is_idle(self) -> bool:
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline


class FastPathCycle:
    """A request on the express lane, in the place of uvicorn's own ``RequestResponseCycle``.

    Args:
        protocol: the connection.
        request_type: what the request is read as.
    """

    def __init__(self, protocol: FastPathProtocol, request_type: type[TabularRequest | ImageRequest]) -> None:
        self._protocol = protocol
        self._request_type = request_type
        self._dispatcher: Dispatcher = protocol.app.dispatcher
        self.message_event = self  # see ``set``
        self.body = bytearray()
        self.more_body = True
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True
        service = self._dispatcher.service
        path = protocol.url.decode("ascii")
        scope = {"type": "http", "method": "POST", "path": path, "headers": protocol.headers}
        self.context = FastPathContext(scope, _no_messages, service.settings.max_body_bytes, service.tracer)
        self.context.started = protocol.read_at
        self.context.cycle = self
        self.context.route = path
        self.fits = (
            0 < self.context.declared_bytes <= min(MAX_BODY_BYTES, service.settings.max_body_bytes)
            and not protocol.expect_100_continue
            and not protocol.flow.write_paused  # who does not read is to be waited for, which takes a task
            and protocol.parser.get_http_version() == "1.1"
            and protocol.parser.should_keep_alive()
        )

    def set(self) -> None:
        """What uvicorn calls when a part of the body has come, or the client has gone."""
        if self.disconnected and self.more_body:
            self.fail(ClientDisconnect())

    def begin(self) -> None:
        """Take the request, or refuse it before its body is read."""
        self._dispatcher.begin(self.context, self._expire)
        try:
            self._dispatcher.authorize(self.context)
            self._dispatcher.check_limits(self.context)
        except Exception as error:  # as the dispatcher does
            self.fail(error)

    def start(self) -> None:
        """Answer, now that the body is whole."""
        if self.response_complete:  # it was refused, or its time was over
            return
        self.more_body, self.context.complete = False, True
        try:
            request = self._request_type(self._dispatcher.service, self.context, bytes(self.body))
            request.start(_ResultSender(self, request))
        except Exception as error:  # as the dispatcher does
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Answer with an error, unless an answer was sent already."""
        if self.response_complete:
            return
        if isinstance(error, ClientDisconnect):
            self.context.status = GONE
            self._end()
        else:
            self.reply(self._dispatcher.error_response(self.context, error))

    def reply(self, response: Response) -> None:
        """Send the answer, unless one was sent already or nobody is there."""
        if self.response_complete:
            return
        protocol, context = self._protocol, self.context
        context.status = response.status_code
        headers = [
            *protocol.server_state.default_headers,
            *response.raw_headers,
            *self._dispatcher.common_headers(context),
        ]
        if not self.keep_alive and CLOSE_HEADER not in headers:
            headers.append(CLOSE_HEADER)
        if not protocol.transport.is_closing():
            lines = b"".join([b"%b: %b\r\n" % header for header in headers])
            protocol.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[response.status_code], lines, bytes(response.body)))
        self._end()
        if CLOSE_HEADER in headers:
            protocol.transport.close()
        protocol.on_response_complete()

    def _expire(self) -> None:
        """The request's time is over."""
        self.context.expired = True
        if self.context.task is not None:
            self.context.task.cancel()
        self.reply(self._dispatcher.timeout_response(self.context))

    def _end(self) -> None:
        self.response_complete = True
        self._dispatcher.end(self.context)


class FastPathContext(RequestContext):
    """A context whose connection is at hand."""

    cycle: FastPathCycle

    def is_disconnected(self) -> bool:
        return self.cycle.disconnected or self.cycle.response_complete


class _ResultSender:
    """Takes a model's outputs to the answer."""

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


async def _no_messages() -> Any:
    raise AssertionError("the express lane has the whole body")
