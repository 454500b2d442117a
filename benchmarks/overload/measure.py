"""The peak of a server and its goodput beyond it, by kind of request and of connection."""

import math
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.overload.client import OpenLoop, Outcome
from benchmarks.serving.http_client import post
from benchmarks.serving.scenarios import SCENARIOS
from benchmarks.serving.servers import Server, ask

KINDS = ("row", "png", "jpeg")
FACTORS = (1.5, 2.0, 3.0, 10.0)
BASELINE_FACTOR = 3.0
WARM_SECONDS = 2.5
"""Until those that wait are as many as they get; their answers do not count."""


def measured(server: Server, kind: str, *, keep: bool, factors: tuple[float, ...], seconds: float) -> dict[str, Any]:
    """One round: the peak, with as many connections as the scenario has, and the outcome at each multiple of it.

    Raises:
        SystemExit: an answer was neither 200 nor 503 with Retry-After.
    """
    scenario = SCENARIOS[kind]
    content = post(scenario.body())
    closed_loop = OpenLoop(server.port, content, math.inf, keep=keep, connections=scenario.connections)
    peak = sound(server, kind, closed_loop.run(WARM_SECONDS / 5, seconds)).as_dict()
    found: dict[str, Any] = {"peak": peak, "overload": {}}
    for factor in factors:
        outcome = OpenLoop(server.port, content, factor * peak["goodput"], keep=keep).run(WARM_SECONDS, seconds)
        found["overload"][f"{factor:g}"] = sound(server, kind, outcome).as_dict()
        settle(server)
    return found


def cases() -> Iterator[tuple[str, bool]]:
    """Kinds of requests, on kept connections and on new ones."""
    for kind in KINDS:
        yield from ((kind, True), (kind, False))


def sound(server: Server, kind: str, outcome: Outcome) -> Outcome:
    """The outcome; ends the measurement where an answer was neither 200 nor 503 with Retry-After."""
    strange = {status: count for status, count in outcome.statuses.items() if status not in (200, 503)}
    if strange or outcome.silent_refusals:
        raise SystemExit(
            f"Requests '{kind}' to the {server.name}: unexpected answers by status: {strange or 'none'}; "
            f"{outcome.silent_refusals} with 503 and without Retry-After."
        )
    return outcome


def settle(server: Server, seconds: float = 60) -> None:
    """Wait until the server has worked off the requests of clients that have left."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        try:
            status, _ = ask(server.port, SCENARIOS["row"].body(), timeout=10)
        except OSError:
            continue
        if status == 200 and time.monotonic() - begun < 0.1:
            return
    raise SystemExit(f"The {server.name} has not recovered from overload within {seconds:.0f} seconds.")
