"""Renders the results, for the terminal and for docs/results/serving.md alike."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.serving.cells import heads, number, ratio, row
from benchmarks.serving.comparison import scenarios
from benchmarks.serving.scenarios import SCENARIOS, headline

SHARED = """\
There are two cores, and wrk has to share them with the two workers. So one worker shares its core with wrk too: two
workers and wrk then have twice the cores of one and wrk. With wrk on the other core, one worker has a core for itself,
as two workers cannot."""
OWN = "wrk has a core of its own."
CONNECTIONS = "Each worker has that many connections."
SETUPS = {
    "two": "2 workers, 2 cores",
    "one, with wrk": "1 worker and wrk, 1 core",
    "one": "1 worker, 1 core",
}
"""How the service and wrk share the cores, by the key in the results."""


def render(results: dict[str, Any]) -> str:
    """The results as Markdown; sections that were not measured are left out."""
    return "\n".join(["# Serving\n", _machine(results), *scenarios(results), *_others(results)]) + "\n"


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"`{results['command']}` measured this on {results['date']}: {machine['processor']}, {machine['cores']} cores, "
        f"Python {machine['python']}, {packages}; rounds: {results['rounds']}, of {results['seconds']:g} s each.\n"
    )


def _others(results: dict[str, Any]) -> Iterator[str]:
    if "workers" in results:
        yield from _workers(results["workers"])
    if "startup" in results:
        seconds, megabytes = results["startup"]["seconds"], results["startup"]["megabytes"]
        yield (
            f"\n## Start and memory\n\nFrom the start of `python -m app` to its first answered prediction: "
            f"{statistics.median(seconds):.2f} s (slowest {max(seconds):.2f} s). Resident memory with the default "
            f"models loaded: {statistics.median(megabytes):.0f} MB (most {max(megabytes):.0f} MB). "
            f"Median of {len(seconds)} starts."
        )


def _workers(workers: dict[str, Any]) -> Iterator[str]:
    about = [SHARED if workers["shared"] else OWN, *([CONNECTIONS] if "connections" in workers else [])]
    yield f"\n## Two workers on two cores\n\n{' '.join(about)}\n"
    setups = {key: title for key, title in SETUPS.items() if workers["shared"] or key != "one, with wrk"}
    others = [key for key in setups if key != "two"]
    yield heads(["", "Unit", setups["two"], *(head for key in others for head in (setups[key], "Ratio"))])
    for name, runs in workers["scenarios"].items():
        scenario = SCENARIOS[name]
        rates = {key: [headline(scenario, seen) for seen in runs[key]] for key in setups}
        cells = [scenario.title, scenario.unit, number(statistics.median(rates["two"]))]
        for key in others:
            cells += [number(statistics.median(rates[key])), ratio(rates["two"], rates[key])]
        yield row(cells)
    yield "\nProcessor time of a request, in microseconds, of the service and of wrk:\n"
    yield heads(["", *(head for title in setups.values() for head in (title, "wrk"))])
    for name, runs in workers["scenarios"].items():
        spent = [cost for key in setups for cost in ([run["cpu_us"] for run in runs[key]], _load_us(runs[key]))]
        yield row([SCENARIOS[name].title, *(number(statistics.median(cost)) for cost in spent)])


def _load_us(runs: Sequence[Mapping[str, float]]) -> list[float]:
    """Processor time that wrk spent on each request."""
    return [1e6 * run["load_cores"] / run["rate"] for run in runs]
