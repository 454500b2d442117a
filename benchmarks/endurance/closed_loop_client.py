"""A client that classifies each request: answered, lost (and how), or never accepted."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.serving.http_client import Answer, BrokenAnswerError, parse

PATIENCE_SECONDS = 30.0
REFUSED_PAUSE_SECONDS = 0.02


@dataclass
class RequestOutcomes:
    """Outcomes of the requests of many clients.

    Attributes:
        statuses: whole answers, by status.
        lost: accepted requests without a whole answer, by how they were lost.
        refused: connections that were refused.
        found_ended: connections whose end was known before a request was written.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    found_ended: int = 0

    @property
    def answered(self) -> int:
        """Whole answers."""
        return self.statuses.total()

    def add(self, other: "RequestOutcomes") -> None:
        """Take over the counts of another."""
        self.statuses.update(other.statuses)
        self.lost.update(other.lost)
        self.refused += other.refused
        self.found_ended += other.found_ended


class ClosedLoopClient:
    """Asks one request after the other.

    Args:
        port: of the service.
        contents: requests to choose from.
        outcomes: where everything is counted.
        keep: whether to reuse the connection; a client that does not sends ``Connection: close``.
    """

    def __init__(self, port: int, contents: Sequence[bytes], outcomes: RequestOutcomes, *, keep: bool) -> None:
        self.port, self.outcomes, self.keep = port, outcomes, keep
        bye = b"HTTP/1.1\r\nConnection: close\r\n"
        self.contents = list(contents) if keep else [one.replace(b"HTTP/1.1\r\n", bye, 1) for one in contents]
        self._connection: socket.socket | None = None
        self._stopped = False

    def stop(self) -> None:
        """Ask no further request."""
        self._stopped = True

    async def run(self) -> None:
        """Ask until stopped."""
        while not self._stopped:
            reused = self._connection is not None
            if not reused and not await self._connect():
                continue
            await self._ask(random.choice(self.contents), "reused" if reused else "fresh")
        self._end()

    async def _connect(self) -> bool:
        connection = socket.socket()
        connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.port))
        except OSError:  # refused, or reset before it was established
            connection.close()
            self.outcomes.refused += 1
            await asyncio.sleep(REFUSED_PAUSE_SECONDS)
            return False
        self._connection = connection
        return True

    async def _ask(self, content: bytes, how: str) -> None:
        assert self._connection is not None
        if how == "reused" and has_ended(self._connection):
            self.outcomes.found_ended += 1
            self._end()
            return
        try:
            await asyncio.get_running_loop().sock_sendall(self._connection, content)
        except OSError:  # it ended before all was written
            self.outcomes.found_ended += 1
            self._end()
            return
        received = bytearray()
        try:
            answer = await asyncio.wait_for(read(self._connection, received), PATIENCE_SECONDS)
        except (OSError, BrokenAnswerError, TimeoutError) as error:
            self.outcomes.lost[f"{how}, {how_lost(error, bool(received))}"] += 1
            self._end()
            return
        self.outcomes.statuses[answer.status] += 1
        if answer.closes or not self.keep:
            self._end()

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def has_ended(connection: socket.socket) -> bool:
    """Whether the other side has closed the connection, or sent unexpected bytes, as far as this machine knows."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


async def read(connection: socket.socket, received: bytearray) -> Answer:
    """Read one response; the bytes so far are in ``received``, even after an error.

    Raises:
        OSError: the connection was reset, or ended (then ``EOFError``'s meaning, as ``ConnectionAbortedError``).
        BrokenAnswerError: the bytes are not a response.
    """
    loop = asyncio.get_running_loop()
    while (answer := parse(bytes(received))) is None:
        data = await loop.sock_recv(connection, 65536)
        if not data:
            raise ConnectionAbortedError("The connection ended.")
        received += data
    return answer


def how_lost(error: Exception, begun: bool) -> str:
    """How a request was lost, in words.

    Args:
        error: what reading raised.
        begun: whether a part of the answer had come.
    """
    if isinstance(error, BrokenAnswerError):
        return "no answer in HTTP"
    if isinstance(error, TimeoutError):  # before OSError, which it is one of
        return f"silent for {PATIENCE_SECONDS:.0f} s"
    if begun:
        return "cut answer"
    return "ended" if isinstance(error, ConnectionAbortedError) else "reset"
