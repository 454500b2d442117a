"""A client that never tries again: each request is sent once, by the clock or after an answer, and recorded.

By the clock (open loop), a service that hangs does not slow the client down: requests go on coming, and the time of
each counts from when it was due.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter

from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.http_client import Answer, Connection

PATIENCE_SECONDS = 10.0
"""A request without a whole answer by then is lost."""
TICK_SECONDS = 0.002
MOST_CONNECTIONS = 2048


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a request.

    Attributes:
        kind: of request.
        due: seconds from the begin of the load to when it should be sent.
        seconds: from then to its answer, or until it was given up.
        lost: why it has no answer, or the status of one that it is not responsible for; empty if it was answered.
        wrong: how its answer differs from the truth; empty if it does not.
    """

    kind: str
    due: float
    seconds: float
    lost: str = ""
    wrong: str = ""


@dataclass
class Client:
    """Sends requests to one address, over connections that it keeps.

    Args:
        host: numeric.
        port: there.
        requests: without end.
        records: where all are recorded.
    """

    host: str
    port: int
    requests: Iterator[CheckedRequest]
    records: list[Record] = field(default_factory=list)
    _idle: list[Connection] = field(default_factory=list)
    _open: int = 0
    _waiting: int = 0
    _begun: float = 0.0
    _stopped: bool = False

    async def once(self) -> Record:
        """Send one request; returns what became of it."""
        self._begun = perf_counter()
        self._send(next(self.requests), 0.0)
        await self._finish()
        return self.records[-1]

    async def open_loop(self, rate: float) -> None:
        """Send so many requests a second until ``stop``, and wait until each is recorded."""
        self._begun, sent = perf_counter(), 0
        while not self._stopped:
            while sent / rate <= perf_counter() - self._begun:
                self._send(next(self.requests), sent / rate)
                sent += 1
            await asyncio.sleep(TICK_SECONDS)
        await self._finish()

    async def closed_loop(self, connections: int, seconds: float) -> float:
        """Send the next request on each of so many connections when it has its answer; returns requests a second."""
        self._begun = perf_counter()

        def again() -> None:
            elapsed = perf_counter() - self._begun
            if elapsed < seconds:
                self._send(next(self.requests), elapsed, again)

        for _ in range(connections):
            again()
        await asyncio.sleep(seconds)
        answered = len(self.records)
        await self._finish()
        return answered / seconds

    def stop(self) -> None:
        """Send no further request."""
        self._stopped = True

    async def _finish(self) -> None:
        while self._waiting:  # noqa: ASYNC110 - for the patience at most; an event would cost every request time
            await asyncio.sleep(TICK_SECONDS)
        for connection in self._idle:
            connection.end()
        self._idle.clear()

    def _send(self, request: CheckedRequest, due: float, then: Callable[[], None] = lambda: None) -> None:
        self._waiting += 1
        exchange = _Exchange(self, request, due, then)
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                exchange.begin(connection)
                return
        exchange.connecting = asyncio.ensure_future(self._connect(exchange))

    async def _connect(self, exchange: "_Exchange") -> None:
        if self._open >= MOST_CONNECTIONS:
            exchange.end("no free connection")
            return
        self._open += 1
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(lambda: Connection(self._lost), self.host, self.port)
        except OSError as error:
            self._open -= 1
            exchange.end(f"not connected: {error.strerror or type(error).__name__}")
            return
        exchange.begin(connection)

    def _lost(self, _: Connection) -> None:
        self._open -= 1

    def release(self, connection: Connection, answer: Answer | None) -> None:
        """Take a connection back after its answer."""
        if answer is None or answer.closes:
            self._open -= 1
        else:
            self._idle.append(connection)

    def record(self, record: Record) -> None:
        """One request is over."""
        self._waiting -= 1
        self.records.append(record)

    def since_begin(self) -> float:
        """Seconds of the load so far."""
        return perf_counter() - self._begun


class _Exchange:
    """One request and its answer."""

    def __init__(self, client: Client, request: CheckedRequest, due: float, then: Callable[[], None]) -> None:
        self.client, self.request, self.due, self.then = client, request, due, then
        self.connection: Connection | None = None
        self.connecting: asyncio.Future[None] | None = None
        self.over = False
        self.timer = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self._give_up)

    def begin(self, connection: Connection) -> None:
        """Send it on an open connection."""
        if self.over:  # given up while it connected
            self.client.release(connection, None)
            connection.end()
            return
        self.connection = connection
        connection.send(self.request.content, self._answered)

    def _answered(self, connection: Connection, answer: Answer | None) -> None:
        self.client.release(connection, answer)
        if answer is None:
            self.end("no whole answer")
        elif answer.status >= 500:
            self.end(f"status {answer.status}")
        elif answer.status not in self.request.statuses:
            self.end(wrong=f"status {answer.status}: {answer.body[:200]!r}")
        else:
            self.end(wrong=check(self.request, answer))

    def _give_up(self) -> None:
        self.end(f"silent for {PATIENCE_SECONDS:.0f} s")
        if self.connection is not None:
            self.connection.end()

    def end(self, lost: str = "", wrong: str = "") -> None:
        """Record it, unless it was given up before."""
        if self.over:
            return
        self.over = True
        self.timer.cancel()
        seconds = self.client.since_begin() - self.due
        self.client.record(Record(self.request.kind, self.due, seconds, lost, wrong))
        self.then()


def check(request: CheckedRequest, answer: Answer) -> str:
    """How an answer differs from the truth; empty if it does not."""
    try:
        return (request.check(answer) or "") if answer.status == 200 else ""
    except (ValueError, KeyError, IndexError, TypeError) as error:
        return f"{type(error).__name__}: {error}: {answer.body[:200]!r}"
