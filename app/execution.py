"""Runs predictions off the event loop, a few at a time, and refuses at once what cannot be run soon."""

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from app.errors import UnavailableError

T = TypeVar("T")


class Executor:
    """Threads for predictions, with a bounded queue before them.

    Args:
        concurrency: calls that run at the same time, at least 1.
        max_queued: calls that may wait; one more is refused.
    """

    def __init__(self, concurrency: int, max_queued: int) -> None:
        self.concurrency = concurrency
        self.max_queued = max_queued
        self.running = 0
        self._limiter = anyio.CapacityLimiter(concurrency)

    @property
    def queued(self) -> int:
        """Calls that wait."""
        return max(0, self.running - self.concurrency)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Call the function in a thread.

        Raises:
            UnavailableError: as many calls wait as may.
        """
        if self.running >= self.concurrency + self.max_queued:
            raise UnavailableError(f"{self.queued} predictions are waiting, which is the limit; try again later.")
        self.running += 1
        try:
            return await anyio.to_thread.run_sync(function, *arguments, limiter=self._limiter)
        finally:
            self.running -= 1
