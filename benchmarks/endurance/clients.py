"""The clients: those that send requests at a rate, and those that disconnect halfway."""

import asyncio
import random
from collections.abc import Iterator
from time import perf_counter

from benchmarks.endurance.request_stats import RequestStats
from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.http_client import Connection, connect, exchange

CONNECTIONS = 24
PATIENCE_SECONDS = 15.0
RESTED_SECONDS = 2.0
"""A connection that has rested longer is not used again, as the server may be ending it just now."""
LEAVE_SECONDS = 0.1
"""Time between two clients that leave."""


class Pacer:
    """Limits the rate of requests, if there is a rate.

    Args:
        rate: requests a second; None: no limit.
    """

    def __init__(self, rate: float | None) -> None:
        self.rate = rate
        self._next = perf_counter()

    async def turn(self) -> None:
        """Return when the next request is due; requests that a slow service delayed are not made up for."""
        if self.rate is None:
            return
        now = perf_counter()
        self._next = max(self._next + 1 / self.rate, now - 0.1)
        if self._next > now:
            await asyncio.sleep(self._next - now)


class Clients:
    """Connections that ask, one request after the other.

    Args:
        port: of the service.
        requests: to send, an endless iterator.
        connections: that ask at a time.
    """

    def __init__(self, port: int, requests: Iterator[CheckedRequest], connections: int = CONNECTIONS) -> None:
        self.port, self.requests, self.connections = port, requests, connections

    async def run(self, seconds: float, rate: float | None) -> RequestStats:
        """Ask for some seconds; every request that was sent is waited for."""
        stats, pacer = RequestStats(), Pacer(rate)
        end = perf_counter() + seconds
        leaving = asyncio.create_task(self._leave(stats))
        try:
            await asyncio.gather(*(self._ask(stats, pacer, end) for _ in range(self.connections)))
        finally:
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)
        return stats

    async def _ask(self, stats: RequestStats, pacer: Pacer, end: float) -> None:
        connection: Connection | None = None
        begun = perf_counter()
        while perf_counter() < end:
            await pacer.turn()
            request = next(self.requests)
            begun, rested = perf_counter(), perf_counter() - begun
            try:
                connection = await self._usable(connection, rested)
                answer = await exchange(connection, request.content, PATIENCE_SECONDS)
            except OSError:
                answer = None
                await asyncio.sleep(0.1)
            stats.record(request, answer, perf_counter() - begun)
        if connection is not None:
            connection.end()

    async def _usable(self, connection: Connection | None, rested: float) -> Connection:
        """The connection, or a new one in place of one that has ended or has rested for too many seconds."""
        if connection is not None and connection.open and rested <= RESTED_SECONDS:
            return connection
        if connection is not None:
            connection.end()
        return await connect(self.port)

    async def _leave(self, stats: RequestStats) -> None:
        """Clients that send half a request, or a whole one, and do not wait."""
        while True:
            await asyncio.sleep(LEAVE_SECONDS)
            content = next(self.requests).content
            half = random.random() < 0.5
            try:
                connection = await connect(self.port)
            except OSError:
                continue
            assert connection.transport is not None
            connection.transport.write(content[: len(content) // 2] if half else content)
            await asyncio.sleep(random.uniform(0, 0.02))
            connection.end()
            stats.dropped["with half a request sent" if half else "before their answer"] += 1
