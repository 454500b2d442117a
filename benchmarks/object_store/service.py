"""What the service says of itself, and the versions that it serves."""

import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

from benchmarks.serving.bodies import arithmetic

MODEL = "multiply"
ROWS = [[3, 4]]
LIMIT_SECONDS = 60.0
AGREEING = 24
"""Answers in a row, each on a connection of its own, that all workers are taken to agree after."""


def fetch(port: int, path: str, content: bytes | None = None) -> Any:
    """The answer to a request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET" if content is None else "POST", path, content, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def readiness(port: int) -> Any:
    """``/health/ready``."""
    return fetch(port, "/health/ready")


def serves(port: int, version: int) -> bool:
    """Whether that version answers for ``MODEL``."""
    body = arithmetic(ROWS, MODEL)
    return bool(fetch(port, body.path, body.content)["version"] == version)


def wait_until(holds: Callable[[], bool], what: str, answers: int = AGREEING) -> float:
    """Return the seconds until something holds, in so many answers in a row: until the first of these.

    Raises:
        SystemExit: it does not within a minute.
    """
    started = first = time.monotonic()
    agreeing = 0
    while agreeing < answers:
        if time.monotonic() - started > LIMIT_SECONDS:
            raise SystemExit(f"In vain waited a minute for this: {what}.")
        now = time.monotonic()
        if holds():
            first = first if agreeing else now
            agreeing += 1
        else:
            agreeing = 0
        time.sleep(0.01)
    return first - started
