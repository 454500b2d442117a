"""An express lane through uvicorn, for the requests that come by the thousand.

A small ``POST /predict/arithmetic`` or ``POST /predict/image`` that comes whole, on a connection that is idle and stays
open, is answered right where uvicorn has parsed it: no task, no messages between server and application, one write.
That halves what a request costs. Every other request goes uvicorn's way to the same gateway, and gets the same answer.

This builds on uvicorn's own protocol and on names in it that uvicorn does not promise to keep: its version is pinned.
"""

from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.batching.batch import Result
from app.codecs.images import Pictures
from app.codecs.tabular import Rows
from app.http.context import Call
from app.http.dispatcher import GONE, Gateway

FAST_PATH_ROUTES: dict[bytes, type[Rows | Pictures]] = {b"/predict/arithmetic": Rows, b"/predict/image": Pictures}
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
        self.app.gateway.read_scheduler.put(self, data)

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

    def __init__(self, protocol: FastPathProtocol, request_type: type[Rows | Pictures]) -> None:
        self._protocol = protocol
        self._request_type = request_type
        self._gateway: Gateway = protocol.app.gateway
        self.message_event = self  # see ``set``
        self.body = bytearray()
        self.more_body = True
        self.response_complete = False
        self.disconnected = False
        self.keep_alive = True
        path = protocol.url.decode("ascii")
        scope = {"type": "http", "method": "POST", "path": path, "headers": protocol.headers}
        self.call = FastPathContext(scope, _no_messages, self._gateway.service)
        self.call.started = protocol.read_at
        self.call.cycle = self
        self.call.route = path
        self.fits = (
            0 < self.call.declared_bytes <= min(MAX_BODY_BYTES, self._gateway.service.settings.max_body_bytes)
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
        self._gateway.service.calls[self.call] = self._expire
        try:
            self._gateway.admit(self.call)
        except Exception as error:  # as the gateway does
            self.fail(error)

    def start(self) -> None:
        """Answer, now that the body is whole."""
        if self.response_complete:  # it was refused, or its time was over
            return
        self.more_body, self.call.complete = False, True
        try:
            request = self._request_type(self.call, bytes(self.body))
            request.start(_ResultSender(self, request))
        except Exception as error:  # as the gateway does
            self.fail(error)

    def fail(self, error: Exception) -> None:
        """Answer with an error, unless an answer was sent already."""
        if self.response_complete:
            return
        if isinstance(error, ClientDisconnect):
            self.call.status = GONE
            self._end()
        else:
            self.reply(self._gateway.refuse(self.call, error))

    def reply(self, response: Response) -> None:
        """Send the answer, unless one was sent already or nobody is there."""
        if self.response_complete:
            return
        protocol, call = self._protocol, self.call
        call.status = response.status_code
        headers = [*protocol.server_state.default_headers, *response.raw_headers, *self._gateway.common_headers(call)]
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
        self.call.expired = True
        if self.call.task is not None:
            self.call.task.cancel()
        self.reply(self._gateway.refuse_late(self.call))

    def _end(self) -> None:
        self.response_complete = True
        self._gateway.end(self.call)


class FastPathContext(Call):
    """A call whose connection is at hand."""

    cycle: FastPathCycle

    def gone(self) -> bool:
        return self.cycle.disconnected or self.cycle.response_complete


class _ResultSender:
    """Takes a model's outputs to the answer."""

    __slots__ = ("_cycle", "_request")

    def __init__(self, cycle: FastPathCycle, request: Rows | Pictures) -> None:
        self._cycle = cycle
        self._request = request

    def __call__(self, result: Result) -> None:
        try:
            if isinstance(result, Exception):
                raise result
            self._cycle.reply(self._request.answer(result))
        except Exception as error:  # the other requests of the batch are still to be answered
            self._cycle.fail(error)


async def _no_messages() -> Any:
    raise AssertionError("the express lane has the whole body")
