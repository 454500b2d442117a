"""python -m benchmarks.cluster: requests lost when a service behind HAProxy breaks, and what a request costs.

Three services run behind Debian's HAProxy with the configuration of deploy/compose, each in a network namespace of its
own; without root, on loopback addresses. In each round, under a steady load, one is killed, cut off or stopped, or all
are restarted after one another. It exits with 1 if a request was lost or an answer is wrong.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import uvloop

from benchmarks.cluster.cluster import Cluster
from benchmarks.cluster.haproxy import HAProxyCluster
from benchmarks.cluster.processor_time import microseconds_per_request
from benchmarks.cluster.report import costs_table, line, page
from benchmarks.cluster.requests import mixed_requests, one_kind
from benchmarks.cluster.rounds import Round, all_rounds, peak_rate
from benchmarks.cluster.single import SingleService
from benchmarks.serving.servers import ROOT, raise_file_limit

RESULTS = Path("docs/results/cluster.md")
COST_ROUNDS = 3


def measure_rounds(cluster: HAProxyCluster, rounds: int, rate: float | None) -> tuple[float, list[Round]]:
    """Requests a second, and what became of them in each round."""
    rate = rate or uvloop.run(peak_rate(cluster, mixed_requests)) / 2
    print(f"{cluster.title}; {rate:,.0f} requests a second", flush=True)
    seen: list[Round] = []

    def progress(one: Round) -> None:
        seen.append(one)
        print(line(len(seen), one), flush=True)

    uvloop.run(all_rounds(cluster, rounds, rate, mixed_requests, progress))
    return rate, seen


def measure_costs(cluster: Cluster, seconds: float) -> Mapping[str, Mapping[str, float]]:
    """Microseconds of a request of one row and of 100, by part: the least of some rounds, as others only add to it."""

    def measure(rows: int) -> Mapping[str, float]:
        request = one_kind(rows)
        rounds = [uvloop.run(microseconds_per_request(cluster, request, seconds)) for _ in range(COST_ROUNDS)]
        return min(rounds, key=lambda parts: sum(parts.values()))

    return {"1 row": measure(1), "100 rows": measure(100)}


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="faults (default: 20)")
    parser.add_argument("--rate", type=float, help="requests a second (default: half of what is answered at most)")
    parser.add_argument("--cost-seconds", type=float, default=2, help="seconds of a round (default: 2)")
    parser.add_argument("--balancer", default="haproxy", help="HAProxy's program (default: haproxy)")
    parser.add_argument("--log", type=Path, default=Path(os.devnull), help="file for HAProxy's log")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS}")
    options = parser.parse_args()
    raise_file_limit()
    with SingleService() as single:
        costs = {"service alone": measure_costs(single, options.cost_seconds)}
    with HAProxyCluster(program=options.balancer, log=options.log) as cluster:
        costs["behind HAProxy"] = measure_costs(cluster, options.cost_seconds)
        print("\n".join(costs_table(costs)), flush=True)
        rate, rounds = measure_rounds(cluster, options.rounds, options.rate)
        title = cluster.title
    if options.write:
        (ROOT / RESULTS).write_text(page(title, rate, rounds, costs), encoding="utf-8")
    return int(any(seen.lost or seen.wrong for seen in rounds))


if __name__ == "__main__":
    sys.exit(main())
