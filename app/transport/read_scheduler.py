"""Keeps the turns of the event loop short under overload, by queueing received data.

An event loop reads from every connection that has data before it does anything else. With thousands of connections,
each answered as soon as it is read, one such turn lasts seconds: timers are late, finished batches wait for their
responses, and disconnects go unseen. So once a turn has lasted a time slice, what is read is queued and worked off in
slices. Data of connections that have ended are dropped. A connection with two parts in the queue is not read further:
the rest stays in the kernel, which holds its client back. While several requests were read too late to be served, one
of the newest is served for each that is rejected (adaptive LIFO): a queue longer than its clients' patience would serve
none of them in time.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

TIME_SLICE_SECONDS = 0.01
"""Longest time for which the event loop's other work has to wait."""


class Flow(Protocol):
    """What stops a connection from reading; uvicorn's ``FlowControl``."""

    def pause_reading(self) -> None:
        """Read no more from the connection."""

    def resume_reading(self) -> None:
        """Read again, if reading was paused."""


class Reader(Protocol):
    """A connection."""

    flow: Flow

    def take(self, data: bytes, read_at: float) -> None:
        """Process data, and when it was read, by the scheduler's clock."""


class ReadScheduler:
    """Queues data by their connections, in the order in which those were first read.

    Args:
        late_seconds: queueing time after which a request is rejected.
        clock: counts seconds.
    """

    def __init__(self, late_seconds: float, clock: Callable[[], float] = perf_counter) -> None:
        self._late_seconds = late_seconds
        self._clock = clock
        self._turn_began: float | None = None
        # a dict would search for its first entry among all that were removed before it
        self._queued: OrderedDict[Reader, deque[tuple[bytes, float]]] = OrderedDict()

    @property
    def delay(self) -> float:
        """Seconds that the oldest data have waited."""
        for parts in self._queued.values():
            return self._clock() - parts[0][1]
        return 0.0

    def put(self, reader: Reader, data: bytes) -> None:
        """Process data now; or queue them, where others are queued or the turn has used its time slice."""
        now = self._clock()
        if self._turn_began is None:
            self._turn_began = now
            asyncio.get_running_loop().call_soon(self._next_turn)
        if not self._queued and now - self._turn_began < TIME_SLICE_SECONDS:
            reader.take(data, now)
            return
        parts = self._queued.setdefault(reader, deque())
        if parts:  # not at once: most requests have no second part
            reader.flow.pause_reading()
        parts.append((data, now))

    def drop(self, reader: Reader) -> None:
        """Drop the data of a connection that has ended."""
        self._queued.pop(reader, None)

    def _next_turn(self) -> None:
        """Work for a time slice. Runs once in each turn of the loop in which data were read or are queued."""
        self._turn_began = None
        if self._queued:
            self._turn_began = self._clock()
            asyncio.get_running_loop().call_soon(self._next_turn)
        now = self._clock()
        end = now + TIME_SLICE_SECONDS
        while self._queued and now < end:
            read_at = self._process(next(iter(self._queued)))
            if now - read_at > self._late_seconds and self.delay > self._late_seconds:
                self._process(next(reversed(self._queued)))
            now = self._clock()

    def _process(self, reader: Reader) -> float:
        """Let a connection process the first of its data; returns when that was read."""
        parts = self._queued[reader]
        data, read_at = parts.popleft()
        if not parts:
            del self._queued[reader]
            reader.flow.resume_reading()
        reader.take(data, read_at)
        return read_at
