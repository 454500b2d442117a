"""Limits of queued and running work, and the expected latency of a batch.

A CNN that resizes its input keeps little for each pixel; one that does not keeps whole feature maps, about a hundred
bytes a pixel. Concurrent batches are therefore limited by their pixels as well as by their number: otherwise a machine
of many cores would need memory for as many of the largest images.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Protocol

from app.errors import UnavailableError

MAX_INLINE_SECONDS = 0.002
"""Longest work that is done in the event loop: a batch, or an image to decode. Longer work is done in a thread."""
MAX_INLINE_SECONDS_ON_ONE_CORE = 0.005
"""The same on one core, where a thread would only compete with the event loop."""


class QueueLimiter:
    """Counts queued and running rows and pixels, for admission control.

    Args:
        max_rows: most rows and images.
        max_pixels: most pixels of images.
    """

    def __init__(self, max_rows: int, max_pixels: int) -> None:
        self.rows = 0
        """Rows and images that are queued or running."""
        self.pixels = 0
        """Pixels of images that are queued or running."""
        self._max_rows = max_rows
        self._max_pixels = max_pixels

    def check(self, rows: int = 1, pixels: int = 0) -> None:
        """Reject requests over a limit. An empty queue accepts any request that the other settings let pass.

        Raises:
            UnavailableError: the queue is full.
        """
        if self.rows and self.rows + rows > self._max_rows:
            full = f"{self.rows} rows are queued or running, and {self._max_rows} is the limit"
        elif pixels and self.pixels and self.pixels + pixels > self._max_pixels:
            full = f"{self.pixels} pixels are queued or running, and {self._max_pixels} is the limit"
        else:
            return
        raise UnavailableError(f"{full}; try again later.", reason="queue_full")

    @contextmanager
    def reserve_pixels(self, pixels: int) -> Iterator[None]:
        """Count the pixels of a request while it is decoded and computed.

        Raises:
            UnavailableError: the queue is full.
        """
        self.check(0, pixels)
        self.pixels += pixels
        try:
            yield
        finally:
            self.pixels -= pixels


class Waiter(Protocol):
    """The part of a batcher that the concurrency limiter needs."""

    def schedule_dispatch(self) -> None:
        """Try again in the event loop's next turn."""


class ConcurrencyLimiter:
    """Limits the batches that run in threads, by their number and their pixels; for one event loop.

    Asking and acting are apart: ``can_start`` changes nothing. A batcher then calls ``acquire`` or ``wait``.

    Args:
        max_batches: most batches at a time.
        max_pixels: most pixels of all of them together; one batch alone may have more.
    """

    def __init__(self, max_batches: int, max_pixels: int) -> None:
        self.running = 0
        """Batches in threads."""
        self.pixels = 0
        """Their pixels."""
        self.waiters: dict[Waiter, None] = {}
        """Batchers that wait for capacity, in their order."""
        self.max_batches = max_batches
        self.max_inline_seconds = MAX_INLINE_SECONDS if max_batches > 1 else MAX_INLINE_SECONDS_ON_ONE_CORE
        self._max_pixels = max_pixels
        self._next_for_pixels: Waiter | None = None
        """The first batcher that waits for pixels: no other may take pixels before it, or it could starve."""

    @property
    def full(self) -> bool:
        """Whether all threads are busy."""
        return self.running >= self.max_batches

    def can_start(self, batcher: Waiter, pixels: int) -> bool:
        """Whether a batch of so many pixels may start now."""
        if self.full:
            return False
        fits = not self.pixels or self.pixels + pixels <= self._max_pixels
        return not pixels or (fits and self._next_for_pixels in (None, batcher))

    def wait(self, batcher: Waiter, pixels: int) -> None:
        """Schedule the batcher's dispatch as soon as capacity is released; for a batch that cannot start now."""
        self.waiters[batcher] = None
        if pixels and not self.full and self._next_for_pixels is None:
            self._next_for_pixels = batcher

    def stop_waiting(self, batcher: Waiter) -> None:
        """Let the others have the pixels that the batcher waited for: it starts, or needs none any more."""
        if self._next_for_pixels is batcher:
            self._next_for_pixels = None
            self._wake()

    def acquire(self, pixels: int) -> None:
        """Count a batch that starts."""
        self.running += 1
        self.pixels += pixels

    def release(self, pixels: int) -> None:
        """Count a batch that has ended, and wake the waiters."""
        self.running -= 1
        self.pixels -= pixels
        self._wake()

    def _wake(self) -> None:
        waiters, self.waiters = self.waiters, {}
        for batcher in waiters:
            batcher.schedule_dispatch()


class LatencyEstimator:
    """Expected seconds of a batch, from those of earlier batches by their size in powers of two."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self.last = 0.0
        """Seconds of the last batch."""

    def record(self, rows: int, seconds: float) -> None:
        """Learn from a batch."""
        self.last = seconds
        if rows:  # an empty batch tells nothing about others
            size = rows.bit_length()
            # a single slow batch is the machine's doing; several are the model's
            self._seconds[size] = min(seconds, 2 * self._seconds.get(size, seconds))

    def seconds(self, rows: int) -> float:
        """Upper estimate from batches of that size or the next smaller; infinity if there was none."""
        size = rows.bit_length()
        seconds = self._seconds.get(size)
        if seconds is not None:  # the common case
            return seconds
        known = size
        while known and known not in self._seconds:
            known -= 1
        return self._seconds.get(known, inf) * 2 ** (size - known) if rows else 0.0
