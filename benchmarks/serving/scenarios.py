"""The requests of the benchmark, and how results are compared."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.serving.bodies import Body, arithmetic, image_request, jpeg, png, rows
from benchmarks.serving.load import Load


@dataclass(frozen=True)
class Scenario:
    """One kind of request, at a number of connections.

    Attributes:
        title: for people.
        body: builds the request.
        connections: that are kept busy.
        unit: what the headline counts: requests, rows or images a second, or the median milliseconds.
        items: rows or images in one request.
    """

    title: str
    body: Callable[[], Body]
    connections: int
    unit: Literal["requests/s", "rows/s", "images/s", "ms"]
    items: int = 1


SCENARIOS = {
    "row": Scenario("1 row, 64 connections", lambda: arithmetic([[3, 4]]), 64, "requests/s"),
    "one": Scenario("1 row, 1 connection: median time", lambda: arithmetic([[3, 4]]), 1, "ms"),
    "rows": Scenario("100 rows a request, 64 connections", lambda: arithmetic(rows(100)), 64, "rows/s", 100),
    "png": Scenario("28x28 PNG, 32 connections", lambda: image_request([png()]), 32, "images/s"),
    "jpeg": Scenario("640x480 JPEG, 32 connections", lambda: image_request([jpeg()]), 32, "images/s"),
}


def headline(scenario: Scenario, load: Load | dict[str, float]) -> float:
    """The number that a scenario is about, in its unit."""
    seen = load if isinstance(load, dict) else load.as_dict()
    return seen["p50"] if scenario.unit == "ms" else seen["rate"] * scenario.items


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours divided by theirs, round by round, so that a slow phase of the machine cancels out."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of ``ratios``."""
    return statistics.median(ratios(ours, theirs))
