"""Processor time of a request, by the processes that it passes through."""

from itertools import repeat

from benchmarks.cluster.client import Client
from benchmarks.cluster.cluster import Cluster
from benchmarks.endurance.workload import CheckedRequest
from benchmarks.serving.processor_time import own_processor_seconds

CONNECTIONS = 64
WARM_UP_SECONDS = 2.0


async def microseconds_per_request(
    cluster: Cluster, request: CheckedRequest, seconds: float, connections: int = CONNECTIONS
) -> dict[str, float]:
    """Processor time, user and system, of all threads of each part of a cluster, for each request.

    Each of the connections has the next request when it has its answer. The client's own time counts nowhere.

    Raises:
        SystemExit: a request was lost, or its answer is wrong.
    """
    await Client(cluster.host, cluster.port, repeat(request)).closed_loop(connections, WARM_UP_SECONDS)
    client, before = Client(cluster.host, cluster.port, repeat(request)), processor_seconds(cluster)
    await client.closed_loop(connections, seconds)
    after = processor_seconds(cluster)
    failed = [record for record in client.records if record.lost or record.wrong]
    if failed or not client.records:
        raise SystemExit(f"{cluster.name} fails without a fault: {failed[:3] or 'no answer'}")
    return {part: (after[part] - before[part]) / len(client.records) * 1e6 for part in before}


def processor_seconds(cluster: Cluster) -> dict[str, float]:
    """That each part of a cluster has used so far."""
    return {part: sum(map(own_processor_seconds, pids)) for part, pids in cluster.processes().items()}
