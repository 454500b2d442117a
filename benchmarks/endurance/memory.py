"""Resident memory of a service, summed over its processes."""

import asyncio
import statistics
from time import monotonic

from benchmarks.serving.processor_time import processes
from benchmarks.startup import resident_megabytes

WINDOW_SECONDS = 10.0
"""Memory is the median of the samples of this time, as it varies with the requests in flight."""


class MemoryMonitor:
    """Resident megabytes over time."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.samples: list[tuple[float, float]] = []
        self._begun = monotonic()

    async def watch(self) -> None:
        """Look once a second until cancelled."""
        while True:
            megabytes = sum(resident_megabytes(number) for number in processes(self.pid))
            self.samples.append((monotonic() - self._begun, megabytes))
            await asyncio.sleep(1)

    def until(self, second: float) -> float:
        """Megabytes in the ten seconds before a moment; 0 where there was no look."""
        seen = [size for at, size in self.samples if second - WINDOW_SECONDS <= at <= second]
        return statistics.median(seen) if seen else 0.0

    def at_end(self) -> float:
        """Megabytes in the last ten seconds."""
        return self.until(self.samples[-1][0]) if self.samples else 0.0
