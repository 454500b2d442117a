"""The private parts of uvicorn that the fast path uses; no other file depends on them.

uvicorn's protocol parses HTTP and gives each request to a ``RequestResponseCycle``, which runs the application in a
task and exchanges messages with it. Here another cycle may take that place, which answers without either. uvicorn does
not promise to keep these names: its version is pinned, and tests/app/transport/test_uvicorn_protocol.py tells what is
missing.
"""

from collections.abc import Container, Iterable

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_BODY_BYTES = 65_536
"""uvicorn's ``HIGH_WATER_LIMIT``: above it, reading stops until the application has taken what came."""


class Cycle:
    """Stands in for uvicorn's ``RequestResponseCycle``. Subclasses set the attributes without a value."""

    protocol: "CycleProtocol"
    """The connection."""
    body: bytearray
    """uvicorn's: the body as far as it has come."""
    message_event: "Cycle"
    """uvicorn's: an event, of which it calls ``set`` alone; the cycle itself."""
    more_body = True
    """uvicorn's: whether a part of the body is still to come; cleared by ``start``."""
    response_complete = False
    """uvicorn's: whether the connection is free for its next request."""
    disconnected = False
    """uvicorn's: set when the connection is lost before the response."""
    keep_alive = True
    """uvicorn's: cleared when the server shuts down, so that the response closes the connection."""

    def begin(self) -> None:
        """Called once the headers are complete."""
        raise NotImplementedError

    def start(self) -> None:
        """The body is complete."""
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
            lines = b"".join([b"%b: %b\r\n" % header for header in headers])
            protocol.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[status], lines, body))
        self.complete()
        if CLOSE_HEADER in headers:
            protocol.transport.close()
        protocol.on_response_complete()

    def complete(self) -> None:
        """Set ``response_complete``: the request is answered, or is not to be."""
        raise NotImplementedError


class CycleProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with a choice of the cycle, and reading by the application's ``read_scheduler``."""

    lost = False
    """Whether the connection has ended."""
    read_at = 0.0
    """When the data being parsed were read, by ``perf_counter``."""

    fast_paths: Container[bytes]
    """Paths of the requests that may get a cycle of ours."""

    def choose_cycle(self) -> Cycle | None:
        """A cycle for a simple request to a fast path, whose headers have come; None for uvicorn's own."""
        raise NotImplementedError

    def data_received(self, data: bytes) -> None:
        """Parse data, now or in their turn."""
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
        """Begin a request. uvicorn's scope is built later, if it is needed."""
        self._unset_keepalive_if_required()  # the response before it in the same packet has started the timer
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        """Choose the cycle. Ours is for a POST that comes alone, on a connection that stays open."""
        parser = self.parser
        if (
            self.url in self.fast_paths
            and parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.pipeline
            and not self.expect_100_continue
            and not self.flow.write_paused  # to wait for a client that does not read takes a task
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and (cycle := self.choose_cycle()) is not None
        ):
            self.cycle = cycle  # type: ignore[assignment]
            cycle.begin()
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is complete."""
        if isinstance(self.cycle, Cycle):
            self.cycle.start()
        else:
            super().on_message_complete()
