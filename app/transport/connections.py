"""The open connections: how many there may be, and how long each may keep the service waiting for its client.

A sweep looks at every connection twice a second. So requests set no timers, and a client that sends or reads a byte
now and then cannot put off the end of its time.
"""

import asyncio
import heapq
import ipaddress
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from time import perf_counter
from typing import Protocol

from app.errors import HeadTimeoutError, ServiceError
from app.observability.metrics import Metrics
from app.settings import Settings

SWEEP_SECONDS = 0.5
"""Interval of the sweeps, and so how late a connection may be closed."""
SWEEP_BATCH = 16
"""Connections between two turns of the event loop: to end them all at once would delay requests."""
LINGER_SECONDS = 5.0
"""How long a rejected client may go on sending: to close at once would reset the connection, and lose the response."""
LEAST_PROGRESS_BYTES = 65_536
"""What a client has to take of its response within the send timeout, unless that is the rest."""
PROBES = b"/health/"
"""Start of the paths that are served over the limits too."""
PROBE_CONNECTIONS = 64
"""Connections over the limits, which are answered only if they are probes; those beyond are closed at once."""
EVICTION_BATCH = 64
"""Connections that one search for the oldest waiting ones finds: a flood of new ones must not search for each."""
SEARCH_SECONDS = 0.1
"""How long a search that found none is taken to hold."""


class Phase(Enum):
    """What a connection waits for."""

    NEW = "silent"
    """Its first byte."""
    HEAD = "head"
    """The rest of a request's head."""
    RESPONSE = "response"
    """The rest of the body, or the response: the request has its own deadline."""
    IDLE = "idle"
    """Its next request."""
    REJECTED = "rejected"
    """The client to close it, after a response that rejects what it sent."""
    CLOSING = "closing"
    """The rest of the response to be sent."""


class Connection(Protocol):
    """A connection, as the table sees it."""

    transport: asyncio.Transport
    client: tuple[str, int] | None
    """Address and port; None for a Unix socket."""
    waiting_since: float | None
    """When the table first saw it in its phase; the connection sets None when a new one begins."""

    def phase(self) -> Phase:
        """What it waits for."""

    def reject(self, error: ServiceError) -> None:
        """Respond with an error and close it."""


class ConnectionTable:
    """Bounds the connections of this process in number and time.

    Args:
        settings: the limits.
        max_connections: most connections, where that is less than the settings'.
        metrics: counts those that are closed.
        clock: counts seconds.
    """

    def __init__(
        self, settings: Settings, max_connections: int, metrics: Metrics, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._max_connections = max_connections
        self._max_per_address = settings.max_connections_per_address
        self._send_seconds = settings.send_timeout_seconds
        self._head_seconds = settings.head_timeout_seconds
        self._seconds = {
            Phase.NEW: settings.head_timeout_seconds,
            Phase.HEAD: settings.head_timeout_seconds,
            Phase.IDLE: settings.keep_alive_seconds,
            Phase.REJECTED: LINGER_SECONDS,
        }
        self._metrics = metrics
        self._clock = clock
        self._open: dict[Connection, str | None] = {}
        self._by_address: dict[str, dict[Connection, None]] = {}
        self._unsent: dict[Connection, tuple[int, float]] = {}
        """Connections with unsent bytes: how many there were when the client last made progress, and when."""
        self._oldest: deque[Connection] = deque()
        self._none_before = 0.0
        self.accepted = 0
        """Connections so far."""

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._open)

    def add(self, connection: Connection) -> bool:
        """Enter a new connection, in place of the one that has waited longest for its client where there are too many.

        Returns:
            Whether it is within the limits; else it is closed, or there only for a probe.
        """
        self.accepted += 1
        connection.waiting_since = self._clock()
        address = address_group(connection) if self._max_per_address else None
        self._open[connection] = address
        excess = len(self._open) - self._max_connections
        if address is not None:
            same = self._by_address.setdefault(address, {})
            same[connection] = None
            if len(same) > self._max_per_address:
                if not self._evict(self._waiting(same, connection, 1)):
                    return self._over_limit(connection, len(same) - self._max_per_address)
                excess -= 1
        if excess > 0 and not self._evict(self._oldest_waiting(connection)):
            return self._over_limit(connection, excess)
        return True

    def remove(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        address = self._open.pop(connection, None)
        self._unsent.pop(connection, None)
        if address is not None:
            same = self._by_address[address]
            del same[connection]
            if not same:
                del self._by_address[address]

    async def watch(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            present = list(self._open)
            for start in range(0, len(present), SWEEP_BATCH):
                self.sweep(present[start : start + SWEEP_BATCH])
                await asyncio.sleep(0)
            self._metrics.connections.set(len(self._open))

    def sweep(self, connections: Iterable[Connection]) -> None:
        """End the connections whose time is over."""
        now = self._clock()
        for connection in connections:
            if connection not in self._open:
                continue
            if self._is_stalled(connection, now):
                self._count("not_reading")
                connection.transport.abort()
                continue
            phase = connection.phase()
            seconds = self._seconds.get(phase)
            if seconds is None:
                continue
            if connection.waiting_since is None:
                connection.waiting_since = now
            elif now - connection.waiting_since >= seconds:
                self._end(connection, phase)

    def _end(self, connection: Connection, phase: Phase) -> None:
        if phase is Phase.REJECTED:
            connection.transport.abort()
        elif phase is Phase.HEAD:
            connection.reject(HeadTimeoutError(self._head_seconds))
        else:
            self._count(phase.value)
            connection.transport.close()

    def _is_stalled(self, connection: Connection, now: float) -> bool:
        """Whether the client has taken too little of its response for too long."""
        unsent = connection.transport.get_write_buffer_size()
        if not unsent:
            self._unsent.pop(connection, None)
            return False
        before, since = self._unsent.get(connection, (0, now))
        if unsent > before or before - unsent >= LEAST_PROGRESS_BYTES:
            self._unsent[connection] = unsent, now
            return False
        return now - since >= self._send_seconds

    def _over_limit(self, connection: Connection, excess: int) -> bool:
        if excess > PROBE_CONNECTIONS:
            self._count("over_limit")
            self.remove(connection)
            connection.transport.abort()
        return False

    def _evict(self, oldest: Iterable[Connection]) -> bool:
        """Close the first connection that still waits for its client."""
        for connection in oldest:
            if connection in self._open and connection.phase() in _EVICTABLE:
                self._count("evicted")
                self.remove(connection)
                connection.transport.abort()
                return True
        return False

    def _oldest_waiting(self, but: Connection) -> Iterable[Connection]:
        """The connections that wait for their client, from the oldest on; each is given once."""
        while self._oldest:
            yield self._oldest.popleft()
        now = self._clock()
        if now >= self._none_before:
            self._oldest.extend(self._waiting(self._open, but, EVICTION_BATCH))
            if not self._oldest:
                self._none_before = now + SEARCH_SECONDS
            while self._oldest:
                yield self._oldest.popleft()

    def _waiting(self, among: Iterable[Connection], but: Connection, count: int) -> list[Connection]:
        now = self._clock()
        waiting = (each for each in among if each is not but and each.phase() in _EVICTABLE)
        return heapq.nsmallest(count, waiting, key=lambda each: (each.phase() is Phase.HEAD, each.waiting_since or now))

    def _count(self, reason: str) -> None:
        self._metrics.closed_connections.labels(reason).inc()


_EVICTABLE = frozenset({Phase.NEW, Phase.IDLE, Phase.HEAD})
"""Phases in which a connection may be closed for another; one with half a head comes last."""


def address_group(connection: Connection) -> str | None:
    """Whose connection it is: an IPv4 address, or the /64 network of an IPv6 address, which one client has whole."""
    if connection.client is None:
        return None
    try:
        address = ipaddress.ip_address(connection.client[0].partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
