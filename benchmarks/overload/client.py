"""Sends requests by the clock, however the server does (open loop), over bare sockets: its core must not be the limit.

A slow server gets no fewer requests. wrk cannot do that: its connections wait for their responses, and it does not
separate rejections from predictions. A client waits for half a second to one and a half, then closes its connection;
if all waited equally long, they would come back in waves.

Kept connections are all open before the first request. Or each request has a new connection, closed after its response.
A request that finds as many connections waiting as there may be is dropped and counted: the server never sees it.
"""

import heapq
import math
import random
import select
import socket
from collections import Counter, deque
from dataclasses import dataclass, field
from time import perf_counter, process_time

from benchmarks.serving.http_client import Answer, BrokenAnswerError, parse

PATIENCE_SECONDS = 0.5, 1.5
MOST_CONNECTIONS = 4096
"""As many as the service takes by default."""
POLL_SECONDS = 0.001
FILL_SECONDS = 5.0
OPENED_AT_A_TIME = 64
EVENTS = 256
"""Answers that are read before the clock is looked at again."""
RECEIVED_BYTES = 65_536


@dataclass
class Outcome:
    """What became of the requests of one run.

    Attributes:
        seconds: that were counted.
        client_seconds: processor time that the client took for them.
        due: requests that came.
        not_sent: of these, dropped as too many were waiting.
        statuses: answers by status.
        no_answer: requests whose time was over, or whose connection broke.
        silent_refusals: answers with status 503 that name no time to come again.
        waits: seconds from when a request was due to its answer with status 200.
    """

    seconds: float = 0.0
    client_seconds: float = 0.0
    due: int = 0
    not_sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    no_answer: int = 0
    silent_refusals: int = 0
    waits: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, float]:
        """Rates a second, and the times of the answers with status 200 in milliseconds, for the results file."""
        others = self.statuses.total() - self.statuses[200] - self.statuses[503]
        counts = {
            "offered": self.due,
            "not_sent": self.not_sent,
            "goodput": self.statuses[200],
            "refused": self.statuses[503],
            "silent_refusals": self.silent_refusals,
            "other_statuses": others,
            "no_answer": self.no_answer,
        }
        rates = {name: round(count / self.seconds, 1) for name, count in counts.items()}
        waits = sorted(self.waits) or [math.nan]
        times = {f"p{share}": round(1e3 * waits[int(len(waits) * share / 100)], 2) for share in (50, 99)}
        return rates | times | {"client_cores": round(self.client_seconds / self.seconds, 3)}


class _Connection:
    """A socket and the request that waits on it."""

    __slots__ = ("busy", "due", "polled", "received", "serial", "socket", "unsent")

    def __init__(self, opened: socket.socket) -> None:
        self.socket = opened
        self.busy = False
        self.due = 0.0
        self.serial = 0
        self.unsent = memoryview(b"")
        self.polled = False
        self.received = b""


class OpenLoop:
    """Sends a request at a rate.

    Args:
        port: of the server.
        content: the bytes of the request.
        rate: requests a second; infinity sends one as soon as a connection is free, which is a closed loop.
        keep: whether a connection is used again, else each request has a new one.
        connections: most at a time; by default as many as requests can wait in a second.
        patience: least and most seconds for which a request waits.
    """

    def __init__(
        self,
        port: int,
        content: bytes,
        rate: float,
        *,
        keep: bool,
        connections: int | None = None,
        patience: tuple[float, float] = PATIENCE_SECONDS,
    ) -> None:
        self.outcome = Outcome()
        self._address = ("127.0.0.1", port)
        self._content, self._rate, self._keep, self._patience = content, rate, keep, patience
        self._most = connections or min(MOST_CONNECTIONS, math.ceil(rate))
        self._poll = select.epoll()
        self._open: dict[int, _Connection] = {}
        self._idle: deque[_Connection] = deque()
        self._waiting: list[tuple[float, int, _Connection, int]] = []
        self._sent = 0
        self._random = random.Random(0)
        self._counting = False

    def run(self, warm_seconds: float, seconds: float) -> Outcome:
        """Load the server, and count what becomes of the requests after the warm-up."""
        try:
            if self._keep:
                self._fill()
            self._send_for(warm_seconds)
            self._counting = True
            before = process_time()
            self.outcome.seconds = self._send_for(seconds)
            self.outcome.client_seconds = process_time() - before
            self._counting = False
            return self.outcome
        finally:
            self._idle.clear()
            for connection in list(self._open.values()):
                self._close(connection)
            self._poll.close()

    def _fill(self) -> None:
        """Open all connections before the first request, a few at a time."""
        end = perf_counter() + FILL_SECONDS
        while len(self._open) < self._most and perf_counter() < end:
            for _ in range(min(OPENED_AT_A_TIME, self._most - len(self._open))):
                self._idle.append(self._connect())
            for number, events in self._poll.poll(POLL_SECONDS * 10, EVENTS):
                self._react(self._open[number], events)

    def _send_for(self, seconds: float) -> float:
        begun, sent = perf_counter(), 0
        while (now := perf_counter()) < begun + seconds:
            if self._rate == math.inf:
                while self._idle or len(self._open) < self._most:
                    self._send(now)
            else:
                due = int((now - begun) * self._rate)
                able = min(due - sent, len(self._idle) + self._most - len(self._open))
                for number in range(due - able, due):
                    self._send(begun + number / self._rate)
                if self._counting:
                    self.outcome.due += due - sent
                    self.outcome.not_sent += due - sent - able
                sent = due
            self._give_up(now)
            for number, events in self._poll.poll(POLL_SECONDS, EVENTS):
                self._react(self._open[number], events)
        return perf_counter() - begun

    def _send(self, due: float) -> None:
        """Send a request, on a new connection where none is idle."""
        connection = self._idle.popleft() if self._idle else self._connect()
        connection.busy, connection.due, connection.received = True, due, b""
        connection.serial += 1
        self._sent += 1
        end = perf_counter() + self._random.uniform(*self._patience)
        heapq.heappush(self._waiting, (end, self._sent, connection, connection.serial))
        connection.unsent = memoryview(self._content)
        self._write(connection)

    def _connect(self) -> _Connection:
        opened = socket.socket()
        opened.setblocking(False)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self._open[opened.fileno()] = _Connection(opened)
        opened.connect_ex(self._address)
        self._poll.register(opened, select.EPOLLIN)
        return connection

    def _write(self, connection: _Connection) -> None:
        try:
            sent = connection.socket.send(connection.unsent)
        except BlockingIOError:  # not connected, or not taken by the server
            sent = 0
        except OSError:  # the event that follows ends it
            return
        connection.unsent = connection.unsent[sent:]
        if connection.unsent or connection.polled:
            connection.polled = bool(connection.unsent)
            self._poll.modify(connection.socket, select.EPOLLIN | (select.EPOLLOUT if connection.polled else 0))

    def _react(self, connection: _Connection, events: int) -> None:
        if events & select.EPOLLOUT and connection.unsent:
            self._write(connection)
        if not events & ~select.EPOLLOUT:
            return
        try:
            data = connection.socket.recv(RECEIVED_BYTES)
            answer = parse(connection.received + data) if data else None
        except BlockingIOError:
            return
        except (OSError, BrokenAnswerError):
            data, answer = b"", None
        connection.received += data
        if answer is not None or not data:
            self._end(connection, answer)

    def _end(self, connection: _Connection, answer: Answer | None) -> None:
        """Take the answer to a request, or None where its connection has ended before."""
        if connection.busy and self._counting:
            self._count(answer, perf_counter() - connection.due)
        connection.busy = False
        if answer is None or answer.closes or not self._keep:
            self._close(connection)
        else:
            self._idle.append(connection)

    def _give_up(self, now: float) -> None:
        """End the connections of the requests whose time is over."""
        while self._waiting and self._waiting[0][0] < now:
            _, _, connection, serial = heapq.heappop(self._waiting)
            if connection.busy and connection.serial == serial:
                self._end(connection, None)

    def _close(self, connection: _Connection) -> None:
        del self._open[connection.socket.fileno()]
        if not connection.busy and connection in self._idle:
            self._idle.remove(connection)
        connection.socket.close()

    def _count(self, answer: Answer | None, seconds: float) -> None:
        if answer is None:
            self.outcome.no_answer += 1
            return
        self.outcome.statuses[answer.status] += 1
        if answer.status == 200:
            self.outcome.waits.append(seconds)
        self.outcome.silent_refusals += answer.status == 503 and answer.header("Retry-After") is None
