"""Compares the responses of the service and of what it is compared with before anything is timed."""

import json
import math
from typing import Any

from benchmarks.serving.bodies import Body
from benchmarks.serving.scenarios import SCENARIOS
from benchmarks.serving.servers import Server, ask

ARITHMETIC, PROBABILITIES = 1e-12, 1e-2
"""Tolerances: relative for numbers, absolute for probabilities, which are float32."""


def check(service: Server, other: Server) -> None:
    """Ask both every scenario's body.

    Raises:
        SystemExit: one does not answer, or they differ.
    """
    for name, scenario in SCENARIOS.items():
        body = scenario.body()
        answers = [json.loads(_answer(server, name, body))["predictions"] for server in (service, other)]
        if not same(*answers):
            raise SystemExit(f"The service and {other.name} differ on '{name}': {str(answers)[:500]}")


def check_echo(server: Server) -> None:
    """Ask it every scenario's body.

    Raises:
        SystemExit: it does not answer with the body.
    """
    for name, scenario in SCENARIOS.items():
        body = scenario.body()
        if _answer(server, name, body) != body.content:
            raise SystemExit(f"{server.name} does not send the body of '{name}' back.")


def _answer(server: Server, name: str, body: Body) -> bytes:
    status, content = ask(server.port, body)
    if status != 200:
        raise SystemExit(f"The {server.name} answered {status} to '{name}': {content[:300]!r}")
    return content


def same(ours: list[Any], theirs: list[Any]) -> bool:
    """Whether two lists of predictions are equal within rounding."""
    return len(ours) == len(theirs) and all(_same(mine, other) for mine, other in zip(ours, theirs, strict=True))


def _same(mine: Any, other: Any) -> bool:
    if isinstance(mine, list) and isinstance(other, list):
        near = [math.isclose(a, b, rel_tol=ARITHMETIC) for a, b in zip(mine, other, strict=False)]
        return len(mine) == len(other) and all(near)
    if not isinstance(mine, dict) or not isinstance(other, dict) or mine["label"] != other["label"]:
        return False
    ours, theirs = mine["probabilities"], other["probabilities"]
    return ours.keys() == theirs.keys() and all(abs(ours[key] - theirs[key]) <= PROBABILITIES for key in ours)
