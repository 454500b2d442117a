"""The curves: processor time of a request over the number of connections, models and workers."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from app.settings import Settings
from benchmarks.scaling.repository import write_repository
from benchmarks.scaling.steady_load import Point, measure
from benchmarks.serving.bodies import arithmetic
from benchmarks.serving.load import write_script
from benchmarks.serving.servers import Server, serving

CONNECTIONS = 64
"""Of the curve over models, and of each worker."""
COUNTS = {
    "connections": (1, 8, 64, 256, 1000, 4000, 10_000),
    "models": (1, 10, 100, 1000),
    "workers": (1, 2, 4, 8),
}


@dataclass(frozen=True)
class Rule:
    """How much a request may cost at one count, compared with another."""

    curve: str
    count: int
    base: int
    most: float


WARM_SECONDS = 1.0
SCANS = 2
"""Of the repository, in each measurement of the curve over models."""
RULES = (Rule("connections", 1000, 64, 1.3), Rule("models", 1000, 10, 1.1), Rule("workers", 8, 1, 1.3))

Runs = dict[int, list[Point]]
"""By count, one point a round."""


def over_connections(rounds: int, seconds: float, cores: Sequence[int]) -> Runs:
    """One service, with more and more connections that each have the next request when they have a response."""
    limits = {
        "NALU_MAX_CONNECTIONS": str(max(COUNTS["connections"]) + 100),
        "NALU_MAX_QUEUE_DELAY_SECONDS": "60",  # else those that wait behind thousands of others would be rejected
    }
    with serving("service", cores[:1], **limits) as server:
        return _in_turns("connections", lambda count: (server, count), rounds, seconds, cores[-1:])


def over_models(rounds: int, seconds: float, cores: Sequence[int]) -> Runs:
    """A service for each number of models, which polls them as it does by default; one of them is asked."""
    seconds = max(seconds, SCANS * Settings().repository_poll_seconds)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers: dict[int, Server] = {}
        for count in COUNTS["models"]:
            root = write_repository(Path(folder) / str(count), count)
            servers[count] = stack.enter_context(serving("service", cores[:1], NALU_REPOSITORY=str(root)))
        return _in_turns("models", lambda count: (servers[count], CONNECTIONS), rounds, seconds, cores[-1:])


def over_workers(rounds: int, seconds: float, cores: Sequence[int]) -> Runs:
    """A service for each number of workers, all on one core, as what they cost is asked, and not what they gain."""
    with ExitStack() as stack:
        servers = {count: stack.enter_context(serving("service", cores[:1], count)) for count in COUNTS["workers"]}
        return _in_turns("workers", lambda count: (servers[count], CONNECTIONS * count), rounds, seconds, cores[-1:])


CURVES: Mapping[str, Callable[[int, float, Sequence[int]], Runs]] = {
    "connections": over_connections,
    "models": over_models,
    "workers": over_workers,
}


def _in_turns(
    curve: str, of: Callable[[int], tuple[Server, int]], rounds: int, seconds: float, load_cores: Sequence[int]
) -> Runs:
    """All counts in turns, so that a slow phase of the machine is in all of them."""
    runs: Runs = {count: [] for count in COUNTS[curve]}
    with tempfile.TemporaryDirectory() as folder:
        script = write_script(Path(folder), arithmetic([[3, 4]]))
        for server in {id(server): server for server, _ in map(of, runs)}.values():
            measure(server, CONNECTIONS, script, WARM_SECONDS, load_cores)
        for _ in range(rounds):
            for count, seen in runs.items():
                seen.append(measure(*of(count), script, seconds, load_cores))
            shown = (f"{count}: {seen[-1].cpu_us:.0f} us" for count, seen in runs.items())
            print(curve, *shown, sep="  ", flush=True)
    return runs


def ratio(runs: Mapping[int, Sequence[Point]], rule: Rule) -> float:
    """The median of the rounds' ratios."""
    return median(mine.cpu_us / base.cpu_us for mine, base in zip(runs[rule.count], runs[rule.base], strict=True))
