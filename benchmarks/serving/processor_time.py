"""Processor time of a server: of all its processes, and of all their threads, those that have ended included."""

import time
from contextlib import suppress
from pathlib import Path


def processor_seconds(pid: int) -> float:
    """That a process and all that it started have used so far."""
    return sum(map(own_processor_seconds, processes(pid)))


def own_processor_seconds(pid: int) -> float:
    """That the threads of a process have used so far, by the clock that clock_getcpuclockid(3) names.

    It counts nanoseconds, where ``/proc/PID/stat`` counts ticks of ten milliseconds. A process that is gone has 0.
    """
    with suppress(OSError):
        return time.clock_gettime((~pid << 3) | 2)
    return 0.0


def processes(pid: int) -> list[int]:
    """A process and all that its threads started, and those started, as Linux lists them."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:  # it is gone
        return []
    return [pid, *(below for thread in threads for child in _children(thread) for below in processes(child))]


def _children(thread: Path) -> list[int]:
    try:
        return [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
    except OSError:  # it is gone
        return []
