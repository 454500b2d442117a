"""Renders the results, for the terminal and for docs/results/serving.md alike."""

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.serving.cells import heads, number, ratio, row
from benchmarks.serving.comparison import scenarios
from benchmarks.serving.scenarios import SCENARIOS, headline

SHARED = """There are two cores, and wrk has to share them with the two workers. So one worker is measured twice:
with wrk on the other core, and with wrk on its own, so that two workers and wrk have twice the cores of that."""
OWN = "wrk has a core of its own."


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
    yield f"\n## Two workers on two cores\n\n{SHARED if workers['shared'] else OWN}\n"
    shared = ["1 worker and wrk, 1 core", "Ratio"] if workers["shared"] else []
    yield heads(["", "Unit", "2 workers, 2 cores", "1 worker, 1 core", "Ratio", *shared])
    for name, runs in workers["scenarios"].items():
        scenario = SCENARIOS[name]
        rates = {key: [headline(scenario, seen) for seen in entries] for key, entries in runs.items()}
        cells = [scenario.title, scenario.unit, number(statistics.median(rates["two"]))]
        for key in (key for key in rates if key != "two"):
            cells += [number(statistics.median(rates[key])), ratio(rates["two"], rates[key])]
        yield row(cells)
