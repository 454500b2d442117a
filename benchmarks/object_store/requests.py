"""A request to every model of a repository, and its right answer: that of a service on the folder."""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.serving.bodies import Body, arithmetic, image_request, png
from models.manifest import Manifest

PROBABILITIES = 1e-4
"""How far an answer about an image may be off, as float32 sums depend on what else is in a batch."""


def bodies(repository: Path) -> dict[str, Body]:
    """A request to each model, by its name: a row within its training range and one far beyond, or an image."""
    found = {}
    for folder in sorted(repository.glob("*/1")):
        manifest = Manifest.read(folder)
        if manifest.image is None:
            rows = [[low + (high - low) / 3 for low, high in manifest.training.ranges]]
            rows.append([10 * high + 1 for _, high in manifest.training.ranges])
            found[manifest.name] = arithmetic(rows, manifest.name)
        else:
            image = png(3, max(28, manifest.image.width), max(28, manifest.image.height))
            found[manifest.name] = image_request([image], manifest.name)
    return found


def ask(connection: HTTPConnection, body: Body) -> tuple[int, Any]:
    """Status and answer, on a connection that stays open."""
    connection.request("POST", body.path, body.content, {"Content-Type": body.content_type})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def answers(port: int, repository: Path) -> dict[str, Any]:
    """The answer of each model.

    Raises:
        SystemExit: one is an error.
    """
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    found = {}
    for name, body in bodies(repository).items():
        status, found[name] = ask(connection, body)
        if status != 200:
            raise SystemExit(f"{name} is answered with {status}: {found[name]}")
    connection.close()
    return found


def is_right(answer: Any, expected: Any, tolerance: float) -> bool:
    """Whether an answer is the expected one, of whatever version, and its numbers within a tolerance."""
    if isinstance(expected, dict):
        keys = expected.keys() - {"version"}
        same = isinstance(answer, dict) and answer.keys() == expected.keys()
        return same and all(is_right(answer[key], expected[key], tolerance) for key in keys)
    if isinstance(expected, list):
        same = isinstance(answer, list) and len(answer) == len(expected)
        return same and all(is_right(*pair, tolerance) for pair in zip(answer, expected, strict=True))
    if isinstance(expected, float) and isinstance(answer, float):
        return abs(answer - expected) <= tolerance * max(1.0, abs(expected))
    return bool(answer == expected)


def tolerance_of(body: Body) -> float:
    """Numbers are exact, but of images."""
    return PROBABILITIES if body.path == "/predict/image" else 0.0
