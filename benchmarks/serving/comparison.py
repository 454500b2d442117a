"""Renders the scenarios: every server beside the service."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.serving.cells import heads, number, ratio, row
from benchmarks.serving.peers.catalogue import PEERS
from benchmarks.serving.scenarios import SCENARIOS

INTRO = """\
The service beside other servers that answer the same requests, all on one processor core, the clients on another.

*CPU us per request* is the processor time that all processes of a server spent, divided by its requests in that run: it
is what a request costs, and changes little where a machine is noisy. The servers take turns, so a slow phase slows all
of them. Every number is the median of the rounds, and every *ours / its* the median of the rounds' ratios, with the
lowest and the highest in brackets; for times, less than 1 is better, for rates more. A response other than 2xx ends the
measurement. Predictions are compared with ours before anything is timed.

- *echo* is a Starlette route that sends the body back: what HTTP costs in Python without a model. It, the two baselines
  and the service have the same uvicorn settings (uvloop, httptools, no access log, one process).
- *baseline* is a minimal server of FastAPI and ONNX Runtime, without validation, versions, limits, a queue or metrics
  (`benchmarks/serving/fastapi_baseline.py`). It uses `def`, as FastAPI's documentation advises for blocking code; the
  *async baseline* uses `async def`, which blocks the event loop while it predicts and is faster for models as small as
  these."""
PEERS_INTRO = """\
The others run in environments of their own, each as its documentation advises
([programs](../../benchmarks/serving/peers/programs/__init__.py)), with the ONNX Runtime, Pillow and models of the
service. Like the baselines, they answer with predictions alone, without versions, warnings and the training range:
"""


def scenarios(results: Mapping[str, Any]) -> Iterator[str]:
    """Introduction and tables; nothing where none was measured."""
    measured = results.get("scenarios")
    if not measured:
        return
    yield INTRO
    peers = [peer for name, peer in PEERS.items() if any(name in runs for runs in measured.values())]
    if peers:
        yield f"\n{PEERS_INTRO}"
        yield from (f"- *{peer.name}*: {peer.title}, {peer.about}." for peer in peers)
    if results.get("failed"):
        yield "\nLeft out:\n"
        yield from (f"- {name}: {reason}" for name, reason in results["failed"].items())
    for name, runs in measured.items():
        yield from _table(name, runs)


def _table(name: str, runs: Mapping[str, Sequence[Mapping[str, float]]]) -> Iterator[str]:
    scenario = SCENARIOS[name]
    rate = "requests/s" if scenario.unit == "ms" else scenario.unit
    columns = [("CPU us per request", "cpu_us", 1), (rate, "rate", scenario.items), ("Median ms", "p50", 1)]
    columns = [column for column in columns if column[1] in runs["service"][0]]
    yield f"\n## {scenario.title.partition(':')[0]}\n"
    yield heads(["", *(head for title, _, _ in columns for head in (title, "Ours / its")), "99 % ms"])
    for server, seen in runs.items():
        cells = ["**ours**" if server == "service" else server]
        for _, key, factor in columns:
            theirs, ours = ([run[key] * factor for run in each] for each in (seen, runs["service"]))
            cells += [number(statistics.median(theirs)), "" if server == "service" else ratio(ours, theirs)]
        yield row([*cells, number(statistics.median(run["p99"] for run in seen))])
