"""What has been read and is not begun yet, so that the event loop's turns stay short under overload.

An event loop reads from every connection that has something before it does anything else. With thousands of connections
and each request answered as it is read, one such turn lasts seconds: timers are late, finished batches are not handed
out, and nobody sees that clients have gone. So when a turn has lasted a while, what is read is only put aside and
worked off in pieces: the first first, and when that gets too late, the last first, as no queue that is longer than its
clients' patience ever answers anybody in time. What waited too long is refused, and what comes from a client that has
gone is dropped.
"""

import asyncio
from collections import deque
from time import perf_counter
from typing import Protocol

PIECE_SECONDS = 0.01
"""Longest time for which the loop's other work has to wait."""
LATE_SECONDS = 0.1
"""When the first has waited longer, the last comes first: who came last is still in time to be answered."""


class Reader(Protocol):
    """A connection."""

    lost: bool
    """Whether it has ended."""

    def take(self, data: bytes, read_at: float) -> None:
        """Go on with what was read, and when, by ``perf_counter``."""


class Backlog:
    """Data by their connections, in the order in which those were first read."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._data: dict[Reader, deque[tuple[bytes, float]]] = {}

    def put(self, reader: Reader, data: bytes) -> None:
        """Go on with what was read: at once, or in its turn where others wait or have kept the loop long enough."""
        now = perf_counter()
        if self._began is None:
            self._began = now
            asyncio.get_running_loop().call_soon(self._next_turn)
        if not self._data and now - self._began < PIECE_SECONDS:
            reader.take(data, now)
        else:
            self._data.setdefault(reader, deque()).append((data, now))

    def _next_turn(self) -> None:
        """Work off a piece. Runs once in every turn of the loop that something was read in or is left to do."""
        self._began = None
        if self._data:
            self._began = perf_counter()
            asyncio.get_running_loop().call_soon(self._next_turn)
        now = perf_counter()
        end = now + PIECE_SECONDS
        while self._data and now < end:
            reader = next(reversed(self._data) if self._is_late(now) else iter(self._data))
            parts = self._data[reader]
            data, read_at = parts.popleft()
            if not parts:
                del self._data[reader]
            if not reader.lost:
                reader.take(data, read_at)
            now = perf_counter()

    def _is_late(self, now: float) -> bool:
        return now - next(iter(self._data.values()))[0][1] > LATE_SECONDS
