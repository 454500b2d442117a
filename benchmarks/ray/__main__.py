"""python -m benchmarks.ray: the service under Ray Serve, in Ray's defaults and with the files of deploy/ray.

Needs root, for two network namespaces. Ray comes into an environment of its own, which the first call makes. It exits
with 1 if a request was lost, or an answer was wrong, with the files of deploy/ray.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import uvloop

from benchmarks.cluster.client import Client
from benchmarks.cluster.cluster import Cluster
from benchmarks.cluster.haproxy import HAProxyCluster
from benchmarks.cluster.network import can_make_namespaces
from benchmarks.cluster.report import line
from benchmarks.cluster.requests import mixed_requests
from benchmarks.cluster.rounds import Round, one_round
from benchmarks.cluster.single import SingleService
from benchmarks.environments import default_home
from benchmarks.ray.cluster import RayCluster
from benchmarks.ray.cost import Costs, costs
from benchmarks.ray.environment import install
from benchmarks.ray.nodes import HEAD
from benchmarks.ray.report import PEAK_CONNECTIONS, Faults, cost_table, write_costs, write_faults
from benchmarks.serving.servers import ROOT, raise_file_limit

RESULTS = ROOT / "docs" / "results"
DEFAULTS, OURS = "Ray's defaults", "deploy/ray"
PEAK_SECONDS = 4.0
PATIENT = {"NALU_MAX_QUEUE_DELAY_SECONDS": "10"}
"""For the costs: a busy machine must not make the service answer 503."""


def measure_rounds(cluster: RayCluster, faults: int, rate: float | None) -> Iterator[Faults]:
    """What became of the requests of the rounds so far, after each."""
    client = Client(cluster.host, cluster.port, mixed_requests())
    peak = uvloop.run(client.closed_loop(PEAK_CONNECTIONS, PEAK_SECONDS))
    rate = rate or peak / 2
    print(f"{cluster.name}; {peak:,.0f} requests a second at most, {rate:,.0f} in the rounds", flush=True)
    seen: list[Round] = []
    names = list(cluster.faults)
    for number in range(faults):
        seen.append(uvloop.run(one_round(cluster, names[number % len(names)], rate, mixed_requests)))
        print(line(number + 1, seen[-1]), flush=True)
        yield Faults(peak, rate, seen)


def measure_costs(python: Path, seconds: float) -> Iterator[dict[str, Costs]]:
    """Of one replica under Ray, and of the service alone and behind the balancer of ``deploy/compose``."""
    made: dict[str, Callable[[], AbstractContextManager[Cluster]]] = {
        f"{OURS}, HAProxy": lambda: _one_replica(python, ours=True),
        f"{OURS}, Ray's proxy": lambda: _one_replica(python, ours=True, proxy=True),
        DEFAULTS: lambda: _one_replica(python, ours=False),
        "service alone": SingleService,
        "service behind HAProxy": lambda: HAProxyCluster(services=1),
    }
    os.environ.update(PATIENT)
    for name, make in made.items():
        with make() as cluster:
            found = uvloop.run(costs(cluster, seconds))
        print("\n".join(cost_table({name: vars(found)})), flush=True)
        yield {name: found}


def _one_replica(python: Path, *, ours: bool, proxy: bool = False) -> RayCluster:
    return RayCluster("Ray", python, ours=ours, proxy=proxy, replicas={HEAD: 1})


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ray", description=__doc__)
    parser.add_argument("--measure", nargs="+", choices=("costs", "defaults", "ours"), help="only these (default: all)")
    parser.add_argument("--rounds", type=int, default=8, help="faults of each deployment (default: 8)")
    parser.add_argument("--rate", type=float, help="requests a second (default: half of what is answered at most)")
    parser.add_argument("--cost-seconds", type=float, default=5, help="seconds for each cost (default: 5)")
    parser.add_argument("--home", type=Path, default=default_home(), help="folder of Ray's environment")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.relative_to(ROOT)}/ray.json and .md")
    options = parser.parse_args()
    if not can_make_namespaces():
        parser.error("nodes run in network namespaces, which only root can make, with ip and nsenter in PATH.")
    python, only, failed = install(options.home), options.measure or ("costs", "defaults", "ours"), False
    raise_file_limit()
    if "costs" in only:
        for found in measure_costs(python, options.cost_seconds):
            if options.write:
                write_costs(RESULTS, found)
    for key, name in {"defaults": DEFAULTS, "ours": OURS}.items():
        if key not in only:
            continue
        with RayCluster(name, python, ours=key == "ours") as cluster:
            for faults in measure_rounds(cluster, options.rounds, options.rate):
                failed |= key == "ours" and any(seen.lost or seen.wrong for seen in faults.rounds)
                if options.write:
                    write_faults(RESULTS, name, faults)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
