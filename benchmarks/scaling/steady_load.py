"""Processor time of requests in a steady state: all connections are open, and none is opened meanwhile."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from benchmarks.serving.load import find_wrk
from benchmarks.serving.processor_time import processor_seconds
from benchmarks.serving.servers import Server

OPEN_SECONDS = 60.0
"""Longest time to open all connections."""
OPENED = 0.99
"""Share of them that has to be open: a burst of thousands may overflow the kernel's queue, and some are tried later."""
SETTLE_SECONDS = 0.5
"""From the last connection to the measurement."""
MAX_SECONDS = 120
"""Of the load; it is ended before."""


@dataclass(frozen=True)
class Point:
    """What was measured.

    Attributes:
        cpu_us: microseconds of processor time that all processes of the server spent on each request.
        rate: requests a second.
    """

    cpu_us: float
    rate: float


def measure(server: Server, connections: int, script: Path, seconds: float, on_cores: Sequence[int]) -> Point:
    """Keep all connections busy, and measure for some seconds.

    Raises:
        SystemExit: the connections do not open, or a response was not 200.
    """
    metrics = Metrics(server)  # connected before: the load would delay it
    with _load(server, script, connections, on_cores):
        _wait_for_connections(metrics, connections)
        before, began, used = metrics.responses(), time.monotonic(), processor_seconds(server.process.pid)
        time.sleep(seconds)
        after, taken, used = metrics.responses(), time.monotonic() - began, processor_seconds(server.process.pid) - used
    other = {status for status in after if status != "200" and after[status] != before.get(status, 0)}
    count = after.get("200", 0) - before.get("200", 0)
    if other or not count:
        raise SystemExit(f"With {connections} connections, responses had the statuses {sorted(other) or 'none'}.")
    return Point(used / count * 1e6, count / taken)


@contextmanager
def _load(server: Server, script: Path, connections: int, on_cores: Sequence[int]) -> Iterator[None]:
    flags = ["-t1", f"-c{connections}", f"-d{MAX_SECONDS}s", "--timeout", f"{MAX_SECONDS}s", "-s", str(script)]
    process = subprocess.Popen(
        [find_wrk(), *flags, f"http://127.0.0.1:{server.port}/"],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, on_cores),
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _wait_for_connections(metrics: "Metrics", connections: int) -> None:
    end = time.monotonic() + OPEN_SECONDS
    while (opened := metrics.connections()) < OPENED * connections:
        if time.monotonic() > end:
            raise SystemExit(f"{opened:.0f} of {connections} connections opened within {OPEN_SECONDS:g} seconds.")
        time.sleep(0.1)
    time.sleep(SETTLE_SECONDS)


class Metrics:
    """The service's own counts, read over one connection."""

    def __init__(self, server: Server) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=OPEN_SECONDS)
        self.connections()

    def connections(self) -> float:
        """Open connections."""
        return sum(value for name, _, value in self._samples() if name == "nalu_connections")

    def responses(self) -> dict[str, float]:
        """Predictions so far, by status."""
        found: dict[str, float] = {}
        for name, labels, value in self._samples():
            if name == "nalu_requests_total" and labels["route"].startswith("/predict"):
                found[labels["status"]] = found.get(labels["status"], 0) + value
        return found

    def _samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        self._connection.request("GET", "/metrics")
        text = self._connection.getresponse().read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value
