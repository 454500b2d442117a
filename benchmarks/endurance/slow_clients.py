"""python -m benchmarks.endurance.slow_clients PORT COUNT: connections that keep a service waiting, until stdin ends.

One that the service closes is opened again. At the end a JSON object is
printed: by kind, how many were opened and closed by the service, and the seconds that the longest one was open.
"""

import asyncio
import contextlib
import json
import random
import socket
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from time import monotonic
from typing import Any

from benchmarks.serving.http_client import request
from benchmarks.serving.servers import raise_file_limit

HEAD = b"POST /predict/arithmetic HTTP/1.1\r\nHost: 127.0.0.1\r\n"
UNFINISHED_HEAD = HEAD + b"X-Padding: " + b"a" * 8000
UNFINISHED_BODY = HEAD + b"Content-Length: 60000\r\n\r\n" + b"[" * 30_000
SMALL_REQUEST = request("GET", "/health/live")
LARGE_DOWNLOADS = 4 * request("GET", "/docs/swagger-ui-bundle.js")
"""Six megabytes: the kernel takes up to four of what is not read."""
RECEIVE_BUFFER = 4096
"""Of the clients that do not read, so that the kernel takes little of their responses."""
REOPEN_SECONDS = 5.0
"""Time, on average, from a connection's end to the next one in its place."""
BATCH, BATCH_SECONDS = 20, 0.05
"""Connections that are opened together, and the time for them: a burst would be another load than slow clients."""
UNREAD_SECONDS = 40.0
"""How long a client that does not read looks away: it notices an end only when it reads."""


@dataclass
class Outcome:
    """What became of the connections of a kind."""

    opened: int = 0
    closed: int = 0
    longest_seconds: float = 0.0

    def add(self, other: "Outcome") -> None:
        """Add what became of others."""
        self.opened += other.opened
        self.closed += other.closed
        self.longest_seconds = max(self.longest_seconds, other.longest_seconds)


class SlowClient(asyncio.Protocol):
    """A connection that keeps a service waiting.

    Args:
        outcome: counts it.
        ended: is called when the service has closed it.
    """

    pause_seconds: float | None = None
    """Time between two looks at it by ``act``; None: it is not looked at."""

    def __init__(self, outcome: Outcome, ended: Callable[["SlowClient"], None]) -> None:
        self._outcome = outcome
        self._ended = ended
        self.transport: Any = None
        self.opened_at = monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self._outcome.opened += 1
        self.begin()
        self._schedule()

    def _schedule(self) -> None:
        if self.pause_seconds is not None and not self.transport.is_closing():
            asyncio.get_running_loop().call_later(self.pause_seconds, self._act)

    def _act(self) -> None:
        if not self.transport.is_closing():
            self.act()
            self._schedule()

    def connection_lost(self, _: Exception | None) -> None:
        self._outcome.closed += 1
        self._outcome.longest_seconds = max(self._outcome.longest_seconds, monotonic() - self.opened_at)
        self._ended(self)

    def begin(self) -> None:
        """Send what the kind sends at once."""

    def act(self) -> None:
        """Do what the kind does from time to time."""


class Silent(SlowClient):
    """Sends nothing."""


class HalfHead(SlowClient):
    """Sends 8 KB of a head."""

    def begin(self) -> None:
        self.transport.write(UNFINISHED_HEAD)


class SlowHead(SlowClient):
    """Sends a byte of a head every second."""

    pause_seconds = 1.0
    _sent = 0

    def act(self) -> None:
        self.transport.write(UNFINISHED_HEAD[self._sent : self._sent + 1])
        self._sent += 1


class HalfBody(SlowClient):
    """Sends a head and half of its body."""

    def begin(self) -> None:
        self.transport.write(UNFINISHED_BODY)


class Idle(SlowClient):
    """Sends a request, reads the response and then nothing."""

    def begin(self) -> None:
        self.transport.write(SMALL_REQUEST)


class HalfClosed(SlowClient):
    """Sends a request and the end of its direction."""

    def begin(self) -> None:
        self.transport.write(SMALL_REQUEST)
        self.transport.write_eof()


class Unread(SlowClient):
    """Sends requests for megabytes and does not read them."""

    pause_seconds = UNREAD_SECONDS

    def begin(self) -> None:
        self.transport.pause_reading()
        self.transport.write(LARGE_DOWNLOADS)

    def act(self) -> None:
        self.transport.resume_reading()


KINDS: dict[str, type[SlowClient]] = {
    "silent": Silent,
    "half a head": HalfHead,
    "a byte of a head every second": SlowHead,
    "half a body": HalfBody,
    "idle after a response": Idle,
    "half-closed": HalfClosed,
    "does not read": Unread,
}

BUSY_KINDS = {"half-closed", "does not read"}
"""Kinds whose requests or reconnections are some load by themselves: there are fewer of them."""
FEW = 50
"""One connection in so many is of one of these."""


class SlowClients:
    """Connections of all kinds.

    Args:
        port: of the service.
        count: connections at a time.
    """

    def __init__(self, port: int, count: int) -> None:
        self._port = port
        few, many = sorted(BUSY_KINDS), sorted(KINDS.keys() - BUSY_KINDS)
        self._kinds = [
            few[number // FEW % len(few)] if number % FEW == 0 else many[number % len(many)] for number in range(count)
        ]
        self.outcomes = {kind: Outcome() for kind in KINDS}
        self.refused: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[SlowClient] = set()
        self._stopping = False

    async def open(self) -> None:
        """Open all."""
        for start in range(0, len(self._kinds), BATCH):
            await asyncio.gather(*(self._open(kind) for kind in self._kinds[start : start + BATCH]))
            await asyncio.sleep(BATCH_SECONDS)

    async def _open(self, kind: str) -> None:
        loop = asyncio.get_running_loop()
        endpoint = socket.socket()
        endpoint.setblocking(False)
        if kind == "does not read":
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            await loop.sock_connect(endpoint, ("127.0.0.1", self._port))
            client = KINDS[kind](self.outcomes[kind], partial(self._replace, kind))
            await loop.create_connection(lambda: client, sock=endpoint)
            self._clients.add(client)
        except OSError as error:
            endpoint.close()
            self.refused[type(error).__name__] += 1
            self._reopen(kind)

    def _replace(self, kind: str, client: SlowClient) -> None:
        self._clients.discard(client)
        self._reopen(kind)

    def _reopen(self, kind: str) -> None:
        if not self._stopping:
            task = asyncio.ensure_future(self._open_later(kind))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open_later(self, kind: str) -> None:
        await asyncio.sleep(random.uniform(0.5, 1.5) * REOPEN_SECONDS)
        await self._open(kind)

    def stop(self) -> dict[str, Any]:
        """Close all; returns the outcomes by kind, and the connections that the service refused."""
        self._stopping = True
        found = {kind: asdict(outcome) for kind, outcome in self.outcomes.items()}
        for task in self._tasks:
            task.cancel()
        for client in self._clients:
            if client.transport is not None:
                client.transport.abort()
        return {"kinds": found, "refused": self.refused.total()}


async def _hold(port: int, count: int) -> None:
    clients = SlowClients(port, count)
    await clients.open()
    print("open", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(clients.stop()), flush=True)


if __name__ == "__main__":
    raise_file_limit()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_hold(int(sys.argv[1]), int(sys.argv[2])))
