"""Processor time of a request, by the processes that it passes through."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.cluster.cluster import Cluster
from benchmarks.cluster.processor_time import microseconds_per_request, processor_seconds
from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.bodies import arithmetic, image_request, png, rows
from benchmarks.serving.http_client import post

CONNECTIONS = 16

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
    measured = {
        name: await microseconds_per_request(cluster, CheckedRequest("", content, lambda _: None), seconds, CONNECTIONS)
        for name, content in REQUESTS.items()
    }
    before, _ = processor_seconds(cluster), await asyncio.sleep(seconds)
    after = processor_seconds(cluster)
    return Costs(measured, {part: 1e3 * (after[part] - before[part]) / seconds for part in before})
