"""The private parts of uvicorn that the fast path uses; no other file depends on them.

uvicorn's protocol parses HTTP and gives each request to a ``RequestResponseCycle``, which runs the application in a
task and exchanges messages with it. Here another cycle may take that place, which answers without either. uvicorn may
change these names: its version is pinned, and tests/app/transport/test_uvicorn_protocol.py tells what is missing.
"""

import asyncio
from collections.abc import Iterable, Mapping

from starlette.requests import ClientDisconnect
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from app.errors import ServiceError, TooManyConnectionsError
from app.transport.connections import PROBES, Phase
from app.transport.framing import CHUNK_FRAMING_BYTES, BoundedFraming, Part, malformed
from app.transport.joined_writes import join_writes


class Cycle:
    """Stands in for uvicorn's ``RequestResponseCycle``. Subclasses set the attributes without a value."""

    protocol: "CycleProtocol"
    """The connection."""
    body: bytes | bytearray = b""
    """uvicorn's: the body as far as it has come."""
    more_body = True
    """uvicorn's: whether a part of the body is still to come; cleared by ``start``."""
    response_started = False
    """uvicorn's: whether part of the response is sent; ours are sent whole."""
    response_complete = False
    """uvicorn's: whether the connection is free for its next request."""
    disconnected = False
    """uvicorn's: set when the connection is lost before the response."""
    keep_alive = True
    """uvicorn's: cleared when the server shuts down, so that the response closes the connection."""

    @property
    def message_event(self) -> "Cycle":
        """uvicorn's: an event, of which it calls ``set`` alone."""
        return self

    def begin(self) -> None:
        """Called once the headers are complete."""
        raise NotImplementedError

    def start(self, body: bytes) -> None:
        """Respond to the body, which is complete, unless the request is answered already."""
        raise NotImplementedError

    def fail(self, error: Exception) -> None:
        """The client has disconnected before its body was complete."""
        raise NotImplementedError

    def set(self) -> None:
        """Called when part of the body has arrived, or the client has disconnected."""
        if self.disconnected and self.more_body:
            self.fail(ClientDisconnect())

    def send(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Write a response as uvicorn does, complete the request and let the connection go on to its next."""
        protocol = self.protocol
        headers = [*protocol.server_state.default_headers, *headers]
        if not self.keep_alive and CLOSE_HEADER not in headers:
            headers.append(CLOSE_HEADER)
        if not protocol.transport.is_closing():
            protocol.write_response(status, headers, body)
        self.complete()
        if CLOSE_HEADER in headers:
            protocol.transport.close()
        protocol.on_response_complete()

    def complete(self) -> None:
        """Set ``response_complete``: the request is answered, or is not to be."""
        raise NotImplementedError


class CycleProtocol(BoundedFraming, HttpToolsProtocol):
    """uvicorn's protocol, with a choice of the cycle and the application's ``read_scheduler`` and ``connections``."""

    waiting_since: float | None = None
    within_limit = True
    """Whether the connection is not one too many."""
    rejected = False
    """Whether ``rejection`` is sent."""
    running: RequestResponseCycle | None = None
    """The latest cycle with a task; cycles that are newer wait for it."""
    fast_paths: Mapping[bytes, str]
    """Targets of the requests that may get a cycle of ours, with the route of each."""

    def choose_cycle(self) -> Cycle | None:
        """A cycle for a simple request to a fast path, if nothing is before it; None for uvicorn's own."""
        raise NotImplementedError

    def send_rejection(self, error: ServiceError) -> None:
        """Send the response to a request that is not even begun."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.within_limit = self.app.connections.add(self)

    def data_received(self, data: bytes) -> None:
        """Parse data, now or in their turn."""
        self.app.read_scheduler.put(self, data)

    def stop_parsing(self, piece: bytes | memoryview) -> None:
        self.reject(self.rejection or malformed(piece))

    def connection_lost(self, exc: Exception | None) -> None:
        self.app.connections.remove(self)
        self.app.read_scheduler.drop(self)
        super().connection_lost(exc)
        self.pipeline.clear()
        if self.running is not None:
            _disconnect(self.running)  # uvicorn tells its newest cycle only
        self.cycle = self.running = None  # type: ignore[assignment]  # so that all is freed without the collector

    def on_message_begin(self) -> None:
        """Begin a request. uvicorn's scope is built later, if it is needed."""
        self.part = Part.HEAD
        if self.cycle is not None:  # the first head has its time from the connection's begin on
            self.waiting_since = None
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the cycle. Ours is for a POST that comes alone, on a connection that stays open."""
        if self.offers_upgrade():
            return
        self.crossed = True
        self.waiting_since = None
        if self.is_late or not (self.is_exact and self.within_limit) or len(self.headers) > self.max_header_fields:
            self._check_head()
        parser = self.parser
        if (
            self.url in self.fast_paths
            and parser.get_method() == b"POST"
            and not self.expect_100_continue
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and (cycle := self.choose_cycle()) is not None
        ):
            self.part = Part.BODY
            self.cycle = cycle  # type: ignore[assignment]
            cycle.body = bytearray()
            cycle.begin()
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()
        self.part = Part.BODY
        self.headers = []  # trailers are no headers

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.running = cycle
        cycle.transport = join_writes(self.transport, cycle.scope["method"])
        super()._start_asgi_task(cycle, app)

    def _check_head(self) -> None:
        self.rejection = self.excess_of_head()
        if not self.url.startswith(PROBES):
            self.rejection = self.rejection if self.within_limit else TooManyConnectionsError()
            self.rejection = self.rejection or self.delay_of_head()
        if self.rejection is not None:
            raise self.rejection  # which ends the parser's work

    def on_body(self, body: bytes) -> None:
        """Take a part of a body. uvicorn stops reading after 64 KiB; a body for a cycle of ours is short, and whole."""
        self.counted_bytes -= len(body) + CHUNK_FRAMING_BYTES
        if not isinstance(self.cycle, Cycle):
            super().on_body(body)
        elif not self.cycle.response_complete:
            self.cycle.body += body

    def on_message_complete(self) -> None:
        if self.part is Part.HEAD:  # one that offers an upgrade
            return
        self.crossed = True
        self.part = Part.BEGIN
        if isinstance(self.cycle, Cycle):
            self.cycle.start(bytes(self.cycle.body))
        else:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on to the next request. uvicorn starts a timer here; the table of connections needs none."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.rejection is not None:
            self._send_rejection()

    def reject(self, error: ServiceError) -> None:
        """Respond with an error, after the responses to the requests before, and close the connection."""
        self.rejection = error
        if self.part is Part.BODY and self.pipeline:
            self.pipeline.popleft()  # the request with that body, which is the newest
        elif self.part is Part.BODY:
            self._reject_current()
        elif self.cycle is None or self.cycle.response_complete:
            self._send_rejection()

    def _reject_current(self) -> None:
        """Respond in the place of the application, which still waits for the body, unless it has responded."""
        if self.cycle.response_started or self.cycle.response_complete:
            self.transport.close()
        else:
            self._send_rejection()
            _disconnect(self.cycle)

    def _send_rejection(self) -> None:
        if self.rejection is None or self.transport.is_closing():
            return
        self.rejected, self.waiting_since = True, None
        self.send_rejection(self.rejection)
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()  # and go on reading: see LINGER_SECONDS
        else:
            self.transport.close()

    def write_response(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        self.transport.write(b"".join((STATUS_LINE[status], *map(b"%b: %b\r\n".__mod__, headers), b"\r\n", body)))

    def phase(self) -> Phase:
        if self.transport.is_closing():
            return Phase.CLOSING
        if self.rejected:
            return Phase.REJECTED
        if self.cycle is not None and not self.cycle.response_complete:
            return Phase.RESPONSE
        if self.part is Part.HEAD:
            return Phase.HEAD
        return Phase.NEW if self.cycle is None else Phase.IDLE


def _disconnect(cycle: RequestResponseCycle) -> None:
    cycle.disconnected = True
    cycle.message_event.set()
