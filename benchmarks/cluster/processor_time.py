"""Processor time of a request, by the processes that it passes through."""

from collections.abc import Mapping, Sequence
from itertools import repeat

from benchmarks.cluster.client import Client
from benchmarks.cluster.cluster import Cluster
from benchmarks.endurance.memory import own_processor_seconds
from benchmarks.endurance.workload import CheckedRequest

CONNECTIONS = 64
WARM_UP_SECONDS = 1.0


async def microseconds_per_request(cluster: Cluster, request: CheckedRequest, seconds: float) -> dict[str, float]:
    """Processor time, user and system, of all threads of each part of a cluster, for each request of 64 connections.

    The client's own time counts nowhere.

    Raises:
        SystemExit: a request was lost, or its answer is wrong.
    """
    await Client(cluster.host, cluster.port, repeat(request)).closed_loop(CONNECTIONS, WARM_UP_SECONDS)
    client, before = Client(cluster.host, cluster.port, repeat(request)), _used(cluster.processes())
    await client.closed_loop(CONNECTIONS, seconds)
    after = _used(cluster.processes())
    failed = [record for record in client.records if record.lost or record.wrong]
    if failed or not client.records:
        raise SystemExit(f"{cluster.name} fails without a fault: {failed[:3] or 'no answer'}")
    return {part: (after[part] - before[part]) / len(client.records) * 1e6 for part in before}


def _used(processes: Mapping[str, Sequence[int]]) -> dict[str, float]:
    return {part: sum(map(own_processor_seconds, pids)) for part, pids in processes.items()}
