"""Limits of batches in threads: so many at a time, and so many pixels of pictures that are not resized.

A CNN that resizes keeps little for each pixel; one that does not keeps whole feature maps, about a hundred bytes. What
is computed at the same time is therefore weighed, or a machine of many cores would need memory for as many of the
largest pictures.
"""

from typing import Protocol


class Waiter(Protocol):
    """A queue, as seen from here."""

    def schedule_dispatch(self) -> None:
        """Have it try again soon."""


class ConcurrencyLimiter:
    """What batches take from when they begin to what they give back when they have ended; for one event loop.

    Args:
        batches: most at a time.
        pixels: most of all of them together; one batch alone may have more.
    """

    def __init__(self, batches: int, pixels: int) -> None:
        self.running = 0
        """Batches in threads."""
        self.pixels = 0
        """Theirs."""
        self.waiters: dict[Waiter, None] = {}
        """Queues that were refused, in their order."""
        self._batches = batches
        self._max_pixels = pixels
        self._next_for_pixels: Waiter | None = None
        """The queue that has waited longest for pixels: others leave them to it, or it might wait for ever."""

    @property
    def full(self) -> bool:
        """Whether all threads are busy."""
        return self.running >= self._batches

    def may_start(self, queue: Waiter, pixels: int) -> bool:
        """Whether a batch of a queue may begin. If not, the queue is called when that may have changed."""
        if not self.full and (not pixels or self._has_pixels(queue, pixels)):
            return True
        self.waiters[queue] = None
        return False

    def _has_pixels(self, queue: Waiter, pixels: int) -> bool:
        if self._next_for_pixels not in (None, queue):
            return False
        if not self.pixels or self.pixels + pixels <= self._max_pixels:
            return True
        self._next_for_pixels = queue
        return False

    def stop_waiting(self, queue: Waiter) -> None:
        """The queue waits no more, whether it may start or needed none in the end."""
        if self._next_for_pixels is queue:
            self._next_for_pixels = None
            self._wake()

    def acquire(self, pixels: int) -> None:
        """A batch begins."""
        self.running += 1
        self.pixels += pixels

    def release(self, pixels: int) -> None:
        """A batch has ended."""
        self.running -= 1
        self.pixels -= pixels
        self._wake()

    def _wake(self) -> None:
        waiters, self.waiters = self.waiters, {}
        for queue in waiters:
            queue.schedule_dispatch()
