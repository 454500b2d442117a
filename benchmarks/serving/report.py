"""Renders the results, for the terminal and for docs/results/serving.md alike."""

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.serving.scenarios import SCENARIOS, headline, median_ratio, ratios
from benchmarks.serving.servers import NAMES

INTRO = """\
The service beside two other servers with the same uvicorn settings (uvloop, httptools, no access log, one process), all
on one processor core, the clients on another:

- *echo* is a Starlette route that sends the body back: the upper bound of HTTP in Python.
- *baseline* is a minimal server of FastAPI and ONNX Runtime, without validation, versions, limits, a queue or metrics
  (`benchmarks/serving/fastapi_baseline.py`). It uses `def`, as FastAPI's documentation advises for blocking code; the
  *async baseline* uses `async def`, which blocks the event loop while it predicts and is faster for models as small as
  these. Their predictions are compared with ours before anything is timed.

The servers take turns, so a slow phase of the machine slows all of them. Every number is the median of the rounds, and
every ratio the median of the rounds' ratios, with the lowest and the highest in brackets. A response other than 2xx
ends the measurement.
"""
OVERLOAD = """\
Requests come at three times the peak rate, by the clock. Goodput is the answers with status 200 within one second;
goodput / peak is 1 if overload costs no throughput. *Rejected* requests got 503 with Retry-After; *no response* came
within the second; *no connection* means that all of up to 8,192 connections were waiting, so the request was dropped
before the server saw it. All in requests a second.
"""
SHARED = """There are two cores, and wrk has to share them with the two workers. So one worker is measured twice:
with wrk on the other core, and with wrk on its own, so that two workers and wrk have twice the cores of that."""
OWN = "wrk has a core of its own."


def render(results: dict[str, Any]) -> str:
    """The results as Markdown; sections that were not measured are left out."""
    return "\n".join(["# Serving\n", _machine(results), *_scenarios(results), *_others(results)]) + "\n"


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    return (
        f"`{results['command']}` measured this on {results['date']}: {machine['processor']}, {machine['cores']} cores, "
        f"Python {machine['python']}, {packages}; rounds: {results['rounds']}, of {results['seconds']:g} s each.\n"
    )


def _scenarios(results: dict[str, Any]) -> Iterator[str]:
    if not results.get("scenarios"):
        return
    yield INTRO
    yield (
        "| | Unit | Ours | Echo | Baseline | Async baseline | Ours / echo | Ours / baseline | Ours / async baseline "
        "| Ours: median, 99 % | Baseline: median, 99 % |"
    )
    yield "| --- " * 11 + "|"
    for name, runs in results["scenarios"].items():
        scenario = SCENARIOS[name]
        ours, *others = ([headline(scenario, seen) for seen in runs[server]] for server in NAMES)
        less = " (less is better)" if scenario.unit == "ms" else ""
        cells = [scenario.title, scenario.unit, *(_number(statistics.median(seen)) for seen in (ours, *others))]
        cells += [f"{_ratio(ours, other)}{less}" for other in others]
        cells += [_times(runs, "service"), _times(runs, "baseline")]
        yield _row(cells)


def _others(results: dict[str, Any]) -> Iterator[str]:
    if "workers" in results:
        yield from _workers(results["workers"])
    if "overload" in results:
        yield from _overload(results["overload"])
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
    heads = ["", "Unit", "2 workers, 2 cores", "1 worker, 1 core", "Ratio"]
    heads += ["1 worker and wrk, 1 core", "Ratio"] if workers["shared"] else []
    yield _row(heads)
    yield _row(["---"] * len(heads))
    for name, runs in workers["scenarios"].items():
        scenario = SCENARIOS[name]
        rates = {key: [headline(scenario, seen) for seen in entries] for key, entries in runs.items()}
        cells = [scenario.title, scenario.unit, _number(statistics.median(rates["two"]))]
        for key in (key for key in rates if key != "two"):
            cells += [_number(statistics.median(rates[key])), _ratio(rates["two"], rates[key])]
        yield _row(cells)


def _overload(overload: dict[str, Any]) -> Iterator[str]:
    yield f"\n## Three times more than it can answer\n\n{OVERLOAD}"
    yield "| | Server | Peak | Offered | Goodput | Goodput / peak | Rejected | No response | No connection |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, runs in overload.items():
        for server, seen in runs.items():
            middle = {key: statistics.median(entry[key] for entry in seen) for key in seen[0]}
            share = _ratio([entry["goodput"] for entry in seen], [entry["peak"] for entry in seen])
            before = [_number(middle[key]) for key in ("peak", "offered", "goodput")]
            after = [_number(middle[key]) for key in ("refused", "no_answer", "no_connection")]
            title = SCENARIOS[name].title.partition(",")[0]
            yield _row([title, "ours" if server == "service" else server, *before, share, *after])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ratio(ours: list[float], theirs: list[float]) -> str:
    each = ratios(ours, theirs)
    return f"{median_ratio(ours, theirs):.2f} ({min(each):.2f} to {max(each):.2f})"


def _times(runs: dict[str, Any], server: str) -> str:
    p50, p99 = (statistics.median(seen[key] for seen in runs[server]) for key in ("p50", "p99"))
    return f"{_number(p50)} ms, {_number(p99)} ms"


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
