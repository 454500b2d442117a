"""The results, which are kept as JSON, and their page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.cluster.client import PATIENCE_SECONDS
from benchmarks.cluster.report import machine
from benchmarks.cluster.rounds import Round
from benchmarks.ray.cost import CONNECTIONS, Costs

NAME = "ray"
PEAK_CONNECTIONS = 16
Results = dict[str, Any]


@dataclass(frozen=True)
class Faults:
    """The rounds of one deployment.

    Attributes:
        peak: requests a second that it answered before, at most.
        rate: requests a second in the rounds.
        rounds: all.
    """

    peak: float
    rate: float
    rounds: Sequence[Round]


def summary(seen: Round) -> dict[str, Any]:
    """What a round's row holds."""
    return {
        "fault": seen.fault,
        "seconds": round(seen.seconds, 1),
        "sent": len(seen.records),
        "lost": dict(seen.lost),
        "wrong": len(seen.wrong),
        "milliseconds": [round(value, 1) for value in seen.milliseconds()],
    }


def read(folder: Path) -> Results:
    """The results so far."""
    file = folder / f"{NAME}.json"
    found: Results = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"faults": {}, "costs": {}}
    return found


def write_faults(folder: Path, name: str, faults: Faults) -> None:
    """Keep the rounds of a deployment in the place of earlier ones."""
    results = read(folder)
    rounds = [summary(each) for each in faults.rounds]
    results["faults"][name] = {
        "measured": measured(),
        "peak": faults.peak,
        "rate": faults.rate,
        "rounds": rounds,
    }
    write(folder, results)


def write_costs(folder: Path, costs: Mapping[str, Costs]) -> None:
    """Keep the costs in the place of earlier ones."""
    results = read(folder)
    for name, found in costs.items():
        results["costs"][name] = {"measured": measured(), "requests": found.requests, "idle": found.idle}
    write(folder, results)


def write(folder: Path, results: Results) -> None:
    """Write them and their page."""
    (folder / f"{NAME}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (folder / f"{NAME}.md").write_text(page(results), encoding="utf-8")


def measured() -> str:
    """When and on what."""
    return f"{date.today()}, {machine()}"


def fault_lines(name: str, faults: Results) -> list[str]:
    """A heading and a row for each round."""
    return [
        f"### {name}",
        "",
        f"{faults['rate']:,.0f} requests a second; {faults['peak']:,.0f} is what {PEAK_CONNECTIONS} connections got "
        f"answered before. On {faults['measured']}.",
        "",
        "| Fault | Seconds | Sent | Lost | Wrong | Median | 99 % | Longest |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *map(fault_row, faults["rounds"]),
        "",
    ]


def fault_row(each: Mapping[str, Any]) -> str:
    """A round, with the most frequent reasons of losses."""
    reasons = sorted(each["lost"].items(), key=lambda item: -item[1])[:3]
    why = f" ({', '.join(f'{count:,} {reason}' for reason, count in reasons)})" if reasons else ""
    times = " | ".join(f"{value:,.0f} ms" for value in each["milliseconds"])
    return (
        f"| {each['fault']} | {each['seconds']:.0f} | {each['sent']:,} | {sum(each['lost'].values()):,}{why} "
        f"| {each['wrong']} | {times} |"
    )


def cost_table(costs: Results) -> list[str]:
    """A row for each deployment: the sum of each request, its parts, and what is used without requests."""
    requests = list(next(iter(costs.values()))["requests"])
    return [
        f"| | {' | '.join(requests)} | Without requests |",
        f"| --- |{' --- |' * (len(requests) + 1)}",
        *(
            f"| {name} | {' | '.join(parts(found['requests'][request], 'us') for request in requests)} "
            f"| {parts(found['idle'], 'ms')} |"
            for name, found in costs.items()
        ),
    ]


def parts(shares: Mapping[str, float], unit: str) -> str:
    """The sum, and the parts where there are several."""
    used = {part: value for part, value in shares.items() if value >= 0.5}
    each = f" ({', '.join(f'{part} {value:,.0f}' for part, value in used.items())})" if len(used) > 1 else ""
    return f"**{sum(shares.values()):,.0f} {unit}**{each}"


def page(results: Results) -> str:
    """The page of results."""
    lines = [
        "# Under Ray Serve",
        "",
        "`python -m benchmarks.ray --write` measures this, with Ray in an environment of its own.",
        "",
    ]
    if results["faults"]:
        lines += [
            "## Requests when something breaks",
            "",
            "Two nodes in network namespaces on one machine, two replicas on the head and one on the other; the load "
            "goes to the head. Requests come by the clock: 1 to 5,000 rows, in JSON and as binary tensors. Each is "
            "sent once, by a client that never tries again, and is lost without a whole answer within "
            f"{PATIENCE_SECONDS:.0f} seconds or with a status from 500 on. Answers are compared with arithmetic. Times "
            "count from when a request was due. A round ends when all replicas run again; a node that is started for "
            "that shares the processors with those that serve.",
            "",
        ]
    else:
        lines += [
            "No rounds in which something breaks were measured to their end: that nothing is lost is not shown.",
            "",
        ]
    for name, faults in results["faults"].items():
        lines += fault_lines(name, faults)
    if results["costs"]:
        lines += [
            "## Processor time of a request",
            "",
            f"Of one replica and all that a request passes, user and system, for {CONNECTIONS} connections, each with "
            "the next request when it has its answer; without requests: of a second. What Ray uses without requests "
            f"is part of the first columns too. On {next(iter(results['costs'].values()))['measured']}.",
            "",
            *cost_table(results["costs"]),
            "",
        ]
    return "\n".join(lines)
