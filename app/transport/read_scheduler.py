"""What has been read and is not begun yet, so that the event loop's turns stay short under overload.

An event loop reads from every connection that has something before it does anything else. With thousands of connections
and each request answered as it is read, one such turn lasts seconds: timers are late, finished batches are not handed
out, and nobody sees that clients have gone. So when a turn has lasted a while, what is read is only put aside and
worked off in pieces. What comes from a client that has gone is dropped, and what waited too long is refused; with each
of those one of the last is taken too, as a queue that is longer than its clients' patience answers nobody in time.
"""

import asyncio
from collections import deque
from time import perf_counter
from typing import Protocol

TIME_SLICE_SECONDS = 0.01
"""Longest time for which the loop's other work has to wait."""


class Reader(Protocol):
    """A connection."""

    lost: bool
    """Whether it has ended."""

    def take(self, data: bytes, read_at: float) -> None:
        """Go on with what was read, and when, by ``perf_counter``."""


class ReadScheduler:
    """Data by their connections, in the order in which those were first read.

    Args:
        late_seconds: what waited longer is going to be refused; for each of those, the last is taken too.
    """

    def __init__(self, late_seconds: float) -> None:
        self._late_seconds = late_seconds
        self._turn_began: float | None = None
        self._data: dict[Reader, deque[tuple[bytes, float]]] = {}

    def put(self, reader: Reader, data: bytes) -> None:
        """Go on with what was read: at once, or in its turn where others wait or have kept the loop long enough."""
        now = perf_counter()
        if self._turn_began is None:
            self._turn_began = now
            asyncio.get_running_loop().call_soon(self._next_turn)
        if not self._data and now - self._turn_began < TIME_SLICE_SECONDS:
            reader.take(data, now)
        else:
            self._data.setdefault(reader, deque()).append((data, now))

    def _next_turn(self) -> None:
        """Work off a piece. Runs once in every turn of the loop that something was read in or is left to do."""
        self._turn_began = None
        if self._data:
            self._turn_began = perf_counter()
            asyncio.get_running_loop().call_soon(self._next_turn)
        now = perf_counter()
        end = now + TIME_SLICE_SECONDS
        while self._data and now < end:
            read_at = self._take(next(iter(self._data)))
            if self._data and now - read_at > self._late_seconds:
                self._take(next(reversed(self._data)))
            now = perf_counter()

    def _take(self, reader: Reader) -> float:
        """Let a connection have the first of its data; returns when that was read."""
        parts = self._data[reader]
        data, read_at = parts.popleft()
        if not parts:
            del self._data[reader]
        if not reader.lost:
            reader.take(data, read_at)
        return read_at
