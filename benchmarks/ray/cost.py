"""Processor time of a request, by the processes that it passes through."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat

from benchmarks.cluster.client import Client
from benchmarks.cluster.cluster import Cluster
from benchmarks.endurance.memory import own_processor_seconds
from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.bodies import arithmetic, image_request, png, rows
from benchmarks.serving.http_client import post

CONNECTIONS = 16
WARM_UP_SECONDS = 2.0

REQUESTS = {
    "1 row": post(arithmetic(rows(1))),
    "100 rows": post(arithmetic(rows(100))),
    "28x28 PNG": post(image_request([png()])),
}


@dataclass(frozen=True)
class Costs:
    """Of one cluster.

    Attributes:
        requests: microseconds of each part, by request.
        idle: milliseconds that each part uses in a second without requests.
    """

    requests: Mapping[str, Mapping[str, float]]
    idle: Mapping[str, float]


async def costs(cluster: Cluster, seconds: float) -> Costs:
    """Of each request.

    Raises:
        SystemExit: one was not answered by 200.
    """
    measured = {name: await _cost(cluster, content, seconds) for name, content in REQUESTS.items()}
    before, _ = _used(cluster), await asyncio.sleep(seconds)
    return Costs(measured, {part: 1e3 * used / seconds for part, used in _since(cluster, before).items()})


async def _cost(cluster: Cluster, content: bytes, seconds: float) -> dict[str, float]:
    request = repeat(CheckedRequest("", content, lambda _: None))
    await Client(cluster.host, cluster.port, request).closed_loop(CONNECTIONS, WARM_UP_SECONDS)
    client, before = Client(cluster.host, cluster.port, request), _used(cluster)
    await client.closed_loop(CONNECTIONS, seconds)
    used = _since(cluster, before)
    failed = [record for record in client.records if record.lost or record.wrong]
    if failed or not client.records:
        raise SystemExit(f"{cluster.name} fails without a fault: {failed[:3] or 'no answer'}")
    return {part: 1e6 * each / len(client.records) for part, each in used.items()}


def _used(cluster: Cluster) -> dict[str, float]:
    return {part: sum(map(own_processor_seconds, pids)) for part, pids in cluster.processes().items()}


def _since(cluster: Cluster, before: Mapping[str, float]) -> dict[str, float]:
    return {part: used - before[part] for part, used in _used(cluster).items()}
