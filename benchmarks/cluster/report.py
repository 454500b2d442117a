"""The page of results, and the lines that are printed on the way to it."""

import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.cluster.client import PATIENCE_SECONDS
from benchmarks.cluster.rounds import Round, percentiles

Costs = Mapping[str, Mapping[str, Mapping[str, float]]]
"""Microseconds of a request, by cluster, request and part."""


def line(number: int, seen: Round) -> str:
    """One round, while it is measured."""
    median, p99, longest = seen.milliseconds()
    counts = f"{len(seen.records):7,} sent{seen.lost.total():5} lost{len(seen.wrong):4} wrong"
    times = f"{median:8.1f}{p99:9.1f}{longest:8.0f} ms"
    return f"{number:3}  {seen.fault:22}{seen.seconds:6.1f} s{counts}{times}  {dict(seen.lost) or ''}"


def faults_table(rounds: Sequence[Round]) -> list[str]:
    """A row for each kind of fault, and one for all."""
    kinds = dict.fromkeys(seen.fault for seen in rounds)
    return [
        "| Fault | Rounds | Sent | Answered | Lost | Wrong | Median | 99 % | Longest |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_row(kind, [seen for seen in rounds if seen.fault == kind]) for kind in kinds),
        _row("all", rounds),
    ]


def _row(kind: str, rounds: Sequence[Round]) -> str:
    records = [record for seen in rounds for record in seen.records]
    lost, wrong = sum((seen.lost for seen in rounds), Counter[str]()), sum(len(seen.wrong) for seen in rounds)
    times = (f"{value:,.1f} ms" for value in percentiles([each.seconds for each in records if not each.lost]))
    reasons = f" ({', '.join(f'{count} {reason}' for reason, count in lost.most_common(3))})" if lost else ""
    counts = f"{len(records):,} | {len(records) - lost.total():,} | {lost.total():,}{reasons} | {wrong}"
    return f"| {kind} | {len(rounds)} | {counts} | {' | '.join(times)} |"


def costs_table(costs: Costs) -> list[str]:
    """A row for each cluster and request."""
    lines = ["| | Request | Processor time in microseconds, by process | In all |", "| --- | --- | --- | --- |"]
    for cluster, requests in costs.items():
        for request, parts in requests.items():
            shares = ", ".join(f"{part} {value:,.0f}" for part, value in parts.items())
            lines.append(f"| {cluster} | {request} | {shares} | {sum(parts.values()):,.0f} |")
    return lines


def page(title: str, rate: float, rounds: Sequence[Round], costs: Costs) -> str:
    """The page of results.

    Args:
        title: where balancer and services ran.
        rate: requests a second.
        rounds: all.
        costs: of a request.
    """
    return "\n".join(
        [
            "# Services behind HAProxy",
            "",
            f"`python -m benchmarks.cluster --write` measures this. On {date.today()}, {machine()}.",
            "",
            "## Requests when something breaks",
            "",
            "Three services behind HAProxy with `deploy/compose/haproxy.cfg` and the settings of `docker-compose.yml`, "
            f"in {title}. Requests come by the clock, {rate:,.0f} a second, which is half of what 64 connections "
            "got answered before. Each is sent once, by a client that never tries again, and is lost without a whole "
            f"answer within {PATIENCE_SECONDS:.0f} seconds or with a status from 500 on. Answers are compared with "
            "arithmetic. Times count from when a request was due.",
            "",
            *faults_table(rounds),
            "",
            "A service that hangs, or is cut off, holds the requests that it has for `timeout server`; then they are "
            "sent to another. That is the longest time.",
            "",
            "## Processor time of a request",
            "",
            "Of all threads of each process, user and system, from `/proc/PID/stat`; 64 connections, each with the "
            "next request when it has its answer; the least of three rounds. The client's own time is not counted.",
            "",
            *costs_table(costs),
            "",
        ]
    )


def machine() -> str:
    """The processors that this ran on."""
    names: Iterable[str] = (
        text.partition(":")[2].strip()
        for text in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if text.startswith("model name")
    )
    return f"{len(os.sched_getaffinity(0))} cores of {next(iter(names), platform.machine())}"
