"""Rounds: a steady load, one fault in the middle of it, and what became of every request."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.cluster.client import Client, Record
from benchmarks.cluster.cluster import Cluster
from benchmarks.endurance.workload import CheckedRequest

QUIET_SECONDS = 1.0
"""Load before a fault and after its repair."""
PEAK_CONNECTIONS = 64
PEAK_SECONDS = 4.0

Requests = Callable[[], Iterator[CheckedRequest]]


@dataclass(frozen=True)
class Round:
    """One fault under load.

    Attributes:
        fault: what broke.
        records: of all requests.
        seconds: from the begin of the load to its last answer.
    """

    fault: str
    records: Sequence[Record]
    seconds: float

    @property
    def lost(self) -> Counter[str]:
        """Requests without an answer, or with a status from 500 on, by reason."""
        return Counter(record.lost for record in self.records if record.lost)

    @property
    def wrong(self) -> list[str]:
        """What is wrong with answers."""
        return [record.wrong for record in self.records if record.wrong]

    def milliseconds(self) -> tuple[float, float, float]:
        """The median, the 99th percentile and the longest time to an answer."""
        return percentiles([record.seconds for record in self.records if not record.lost])


def percentiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """The median, the 99th percentile and the maximum, in milliseconds."""
    if len(seconds) < 2:
        return (float("nan"),) * 3
    cuts = quantiles(seconds, n=100)
    return cuts[49] * 1e3, cuts[98] * 1e3, max(seconds) * 1e3


async def peak_rate(cluster: Cluster, requests: Requests) -> float:
    """Requests a second that the cluster answers to 64 connections, all whole.

    Raises:
        SystemExit: an answer was lost or wrong although nothing broke.
    """
    client = Client(cluster.host, cluster.port, requests())
    rate = await client.closed_loop(PEAK_CONNECTIONS, PEAK_SECONDS)
    seen = Round("nothing", client.records, PEAK_SECONDS)
    if seen.lost or seen.wrong:
        raise SystemExit(f"{cluster.name} fails without a fault: {dict(seen.lost)} {seen.wrong[:3]}")
    return rate


async def one_round(cluster: Cluster, fault: str, rate: float, requests: Requests) -> Round:
    """Load a cluster at a rate, break it, and go on until it is repaired."""
    client = Client(cluster.host, cluster.port, requests())
    load = asyncio.create_task(client.open_loop(rate))
    await asyncio.sleep(QUIET_SECONDS)
    await cluster.faults[fault]()
    await asyncio.sleep(QUIET_SECONDS)
    client.stop()
    await load
    return Round(fault, client.records, client.since_begin())


async def all_rounds(
    cluster: Cluster, rounds: int, rate: float, requests: Requests, progress: Callable[[Round], None]
) -> list[Round]:
    """So many rounds at a rate, the faults in turns."""
    faults, seen = list(cluster.faults), []
    for number in range(rounds):
        seen.append(await one_round(cluster, faults[number % len(faults)], rate, requests))
        progress(seen[-1])
    return seen
