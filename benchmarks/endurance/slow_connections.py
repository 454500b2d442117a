"""python -m benchmarks.endurance.slow_connections: clients that keep the service waiting, beside normal load.

Windows without such clients and with them take turns, so that what else runs on the machine is in both. Exits with 1 if
a rule is broken: with them, the 99th percentile of the normal requests' latency is at most twice that without, their
responses are right and complete, no connection outlives its limit, and memory at the end of the last window is at most
1.05 times that of the first one.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.endurance.clients import Clients
from benchmarks.endurance.memory import WINDOW_SECONDS, MemoryMonitor
from benchmarks.endurance.request_stats import MEMORY_GROWTH, SHOWN, percentile
from benchmarks.endurance.slow_clients import UNREAD_SECONDS, Outcome
from benchmarks.endurance.workload import ArithmeticRequests, shuffled
from benchmarks.serving.servers import Server, cores, raise_file_limit, serving

RESULTS = Path("docs/results/slow-connections.md")
REPOSITORY = Path("repository")
COUNT = 2000
CONNECTIONS = 16
"""Of the normal load."""
MOST_SLOWER = 2.0
"""Most 99th percentile with slow clients, divided by that without."""
SETTLE_SECONDS = 10.0
"""From the last slow client's connection to the window: to accept them is another load."""
LATE_SECONDS = 5.0
"""How much later than its limit a connection's end may be seen here: sweeps, and clients that share a core."""
LIMIT_SECONDS = {
    "silent": 30.0,
    "half a head": 30.0,
    "a byte of a head every second": 30.0,
    "half a body": 30.0,
    "idle after a response": 75.0,
    "half-closed": 1.0,
    "does not read": UNREAD_SECONDS,
}
"""The defaults of the service; a client that does not read sees its end when it looks."""


@dataclass
class Side:
    """What was measured in the windows without slow clients, or in those with them."""

    milliseconds: "array[float]" = field(default_factory=lambda: array("f"))
    megabytes: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    refused: int = 0

    def percentiles(self) -> list[float]:
        """Of the latency: p50, p99 and p99.9, in milliseconds."""
        ordered = sorted(self.milliseconds)
        return [percentile(ordered, share) for share in (0.5, 0.99, 0.999)]


@dataclass
class Measurement:
    """Both sides, and what became of the slow connections."""

    without: Side = field(default_factory=Side)
    beside: Side = field(default_factory=Side)
    kinds: dict[str, Outcome] = field(default_factory=dict)
    not_opened: int = 0

    def add(self, outcomes: dict[str, Any]) -> None:
        """Add a window's slow connections."""
        self.not_opened += outcomes["refused"]
        for kind, outcome in outcomes["kinds"].items():
            self.kinds.setdefault(kind, Outcome()).add(Outcome(**outcome))

    @property
    def slower(self) -> float:
        """The 99th percentile with slow clients, divided by that without."""
        return self.beside.percentiles()[1] / self.without.percentiles()[1]

    def broken_rules(self) -> list[str]:
        """A sentence for each rule that does not hold."""
        broken = [*self.without.broken, *self.beside.broken]
        if self.slower > MOST_SLOWER:
            broken.append(f"the 99th percentile is {self.slower:.2f} times that without slow clients")
        first, last = self.beside.megabytes[0], self.beside.megabytes[-1]
        if last > MEMORY_GROWTH * first:
            broken.append(f"memory has grown from {first:.0f} to {last:.0f} MB")
        broken += [
            f"a connection ({kind}) was open for {total.longest_seconds:.0f} seconds"
            for kind, total in self.kinds.items()
            if total.longest_seconds > LIMIT_SECONDS[kind] + LATE_SECONDS
        ]
        if self.not_opened:
            broken.append(f"{self.not_opened} connections were refused")
        return broken

    def lines(self) -> Iterator[str]:
        """The tables, as Markdown."""
        yield "| | Requests | 503 | p50 ms | p99 ms | p99.9 ms | Memory in MB, by window |"
        yield "| --- | --- | --- | --- | --- | --- | --- |"
        for title, side in (("without", self.without), ("with slow clients", self.beside)):
            times = " | ".join(f"{value:.2f}" for value in side.percentiles())
            sizes = ", ".join(f"{size:.0f}" for size in side.megabytes)
            yield f"| {title} | {len(side.milliseconds):,} | {side.refused:,} | {times} | {sizes} |"
        yield f"\nThe 99th percentile with slow clients is {self.slower:.2f} times that without.\n"
        yield "| Slow clients | Opened | Closed by the service | Longest open, seconds |"
        yield "| --- | --- | --- | --- |"
        for kind, total in self.kinds.items():
            yield f"| {kind} | {total.opened:,} | {total.closed:,} | {total.longest_seconds:.1f} |"


async def measure(server: Server, windows: int, seconds: float, rate: float, count: int) -> Measurement:
    """Load the service in turns without and with slow clients."""
    requests = ArithmeticRequests(REPOSITORY, lambda *_: None)
    mix = shuffled([(9.0, [requests.rows(1) for _ in range(400)]), (1.0, [requests.rows(100) for _ in range(60)])])
    clients = Clients(server.port, mix, CONNECTIONS)
    measurement = Measurement()
    await clients.run(min(5.0, seconds), rate)  # the first requests are slower
    for number in range(1, windows + 1):
        await window(clients, server, measurement.without, seconds, rate)
        slow = await asyncio.to_thread(start_slow_clients, server.port, count)
        try:
            await asyncio.sleep(min(SETTLE_SECONDS, seconds))
            await window(clients, server, measurement.beside, seconds, rate)
        finally:
            measurement.add(json.loads((await asyncio.to_thread(slow.communicate, "", 60))[0]))
        times = [side.percentiles()[1] for side in (measurement.without, measurement.beside)]
        broken = [*measurement.without.broken, *measurement.beside.broken]
        print(f"after window {number} of {windows}: p99 {times[0]:.2f} ms without, {times[1]:.2f} with", flush=True)
        print(*broken, sep="\n", end="\n" if broken else "", flush=True)
    return measurement


async def window(clients: Clients, server: Server, side: Side, seconds: float, rate: float) -> None:
    """Load the service for one window."""
    memory = MemoryMonitor(server.process.pid)
    watching = asyncio.create_task(memory.watch())
    stats = await clients.run(seconds, rate)
    watching.cancel()
    side.megabytes.append(memory.at_end())
    side.refused += stats.status_count(503)
    side.broken += [*stats.broken_rules(), *stats.wrong[:SHOWN], *stats.unanswered[:SHOWN]]
    for values in stats.milliseconds.values():
        side.milliseconds.extend(values)


def start_slow_clients(port: int, count: int) -> subprocess.Popen[str]:
    """Start them in a process of their own, which must not delay the normal clients; returns once all are open."""
    command = [sys.executable, "-m", "benchmarks.endurance.slow_clients", str(port), str(count)]
    slow = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert slow.stdout is not None
    if slow.stdout.readline() != "open\n":
        raise SystemExit("The slow clients could not connect; see above.")
    return slow


def page(measurement: Measurement, command: str, seconds: float, rate: float, count: int) -> str:
    """The page of results."""
    return "\n".join(
        [
            "# Slow connections beside normal load\n",
            f"`{command}` measures this: {count:,} connections that keep the service waiting, in windows of "
            f"{seconds:g} seconds that take turns with windows without them, beside {rate:g} requests a second (one "
            "row, and one in ten a hundred rows). A connection that the service closes is opened again. Settings are "
            f"the defaults. On {time.strftime('%Y-%m-%d')}, one core for the service and the rest for the clients.\n",
            *measurement.lines(),
            "",
        ]
    )


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endurance.slow_connections", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="time with slow clients (default: 5)")
    parser.add_argument("--window", type=float, default=60, help="seconds of a window (default: 60)")
    parser.add_argument("--rate", type=float, default=200, help="normal requests a second (default: 200)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"slow connections (default: {COUNT})")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    windows = max(1, round(options.minutes * 60 / options.window))
    raise_file_limit()
    found = cores()
    print(f"{2 * windows} windows of {options.window:g} s; memory is that of the last {WINDOW_SECONDS:g} s of each")
    with serving("service", found[:1]) as server:
        work = measure(server, windows, options.window, options.rate, options.count)
        measurement = uvloop.run(work)
    print(*measurement.lines(), sep="\n")
    if options.write:
        command = "python -m benchmarks.endurance.slow_connections --write"
        RESULTS.write_text(page(measurement, command, options.window, options.rate, options.count), encoding="utf-8")
    broken = measurement.broken_rules()
    print(*(f"BROKEN  {sentence}" for sentence in broken), sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
