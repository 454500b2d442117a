"""The requests and their expected responses: by arithmetic, or by the first response for the image."""

import json
import math
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import add, mul, sub, truediv
from pathlib import Path
from typing import Any

from benchmarks.serving.bodies import arithmetic, image_request, jpeg, png
from benchmarks.serving.http_client import Answer, post, request

Check = Callable[[Answer], str | None]
"""Returns what is wrong with a response of status 200; None: nothing."""
OnVersion = Callable[[str, int], str | None]
"""Takes the model and version of a response; returns what is wrong with it."""

LAWS: dict[str, Callable[[float, float], float]] = {"add": add, "subtract": sub, "multiply": mul, "divide": truediv}
NUMBERS, PROBABILITIES = 1e-12, 1e-4
"""How far an answer may be off: relative; absolute, as float32 sums depend on what else is in a batch."""
LENGTH_HEADER = "Inference-Header-Content-Length"


@dataclass(frozen=True)
class CheckedRequest:
    """A request and its expected response.

    Attributes:
        kind: for the tables.
        content: the bytes of the request.
        check: of the answer with status 200.
        statuses: that are right; 503 always is, as long as it names a time to come again.
    """

    kind: str
    content: bytes
    check: Check
    statuses: tuple[int, ...] = (200,)


class ArithmeticRequests:
    """Requests for rows of numbers, in all protocols that the service speaks.

    Args:
        repository: where the training ranges of the models stand.
        on_version: is called with the model and version of each response.
        seed: start of all random numbers.
    """

    def __init__(self, repository: Path, on_version: OnVersion, seed: int = 0) -> None:
        self.on_version = on_version
        self._random = random.Random(seed)
        manifests = {name: json.loads((repository / name / "1" / "manifest.json").read_text()) for name in LAWS}
        self._ranges = {name: manifest["training"]["ranges"] for name, manifest in manifests.items()}
        self._names = {name: manifest["inputs"][0]["name"] for name, manifest in manifests.items()}

    def rows(self, count: int) -> CheckedRequest:
        """``POST /predict/arithmetic``; a few divide by zero, a few ask for version 1."""
        name, inputs = self._draw(count)
        if name == "divide" and self._random.random() < 0.3:
            inputs[0][1] = 0.0
        pinned = self._random.random() < 0.2
        outputs = [[LAWS[name](*row)] if row[1] or name != "divide" else None for row in inputs]
        outside = [
            any(not low <= value <= high for value, (low, high) in zip(row, self._ranges[name], strict=True))
            for row in inputs
        ]

        def check(answer: Answer) -> str | None:
            reported = json.loads(answer.body)
            if reported["model"] != name or (pinned and reported["version"] != 1):
                return f"asked {name}, was answered by {reported['model']} {reported['version']}"
            warned = [warning["row"] for warning in reported["warnings"]]
            if warned != [row for row, output in enumerate(outputs) if output is None]:
                return f"warnings for rows {warned}"
            if reported["extrapolated"] != outside:
                return "extrapolated is wrong"
            return compare(reported["predictions"], outputs) or self.on_version(name, reported["version"])

        more = {"version": 1} if pinned else {}
        return CheckedRequest(_title(count), post(arithmetic(inputs, name, **more)), check)

    def v2(self, count: int) -> CheckedRequest:
        """``POST /v2/models/{name}/infer`` with the numbers in JSON."""
        name, inputs = self._draw(count)
        outputs = [LAWS[name](*row) for row in inputs]
        tensor = {"name": self._names[name], "shape": [count, 2], "datatype": "FP64", "data": flat(inputs)}
        content = json.dumps({"inputs": [tensor]}).encode()

        def check(answer: Answer) -> str | None:
            reported = json.loads(answer.body)
            found = reported["outputs"][0]["data"]
            return compare([found], [outputs]) or self.on_version(name, int(reported["model_version"]))

        return CheckedRequest(
            "V2, JSON", request("POST", f"/v2/models/{name}/infer", "application/json", content), check
        )

    def v2_binary(self, count: int) -> CheckedRequest:
        """``POST /v2/models/{name}/infer`` with the numbers as bytes, both ways."""
        name, inputs = self._draw(count)
        outputs = [LAWS[name](*row) for row in inputs]
        numbers = struct.pack(f"<{2 * count}d", *flat(inputs))
        tensor = {"name": self._names[name], "shape": [count, 2], "datatype": "FP64"}
        tensor["parameters"] = {"binary_data_size": len(numbers)}
        head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
        path, length = f"/v2/models/{name}/infer", {LENGTH_HEADER.replace("-", "_"): str(len(head))}

        def check(answer: Answer) -> str | None:
            end = int(answer.header(LENGTH_HEADER) or 0)
            reported = json.loads(answer.body[:end])
            found = list(struct.unpack(f"<{count}d", answer.body[end:]))
            return compare([found], [outputs]) or self.on_version(name, int(reported["model_version"]))

        return CheckedRequest(
            "V2, binary", request("POST", path, "application/octet-stream", head + numbers, **length), check
        )

    def _draw(self, count: int) -> tuple[str, list[list[float]]]:
        name = self._random.choice(list(LAWS))
        reach = self._random.choice((10.0, 1000.0))  # within the training range, and far beyond
        return name, [[self._random.uniform(-reach, reach) for _ in range(2)] for _ in range(count)]


def image_files() -> list[bytes]:
    """Drawn digits, small and larger."""
    return [*(png(digit) for digit in range(4)), *(jpeg(digit, 160, 120, seed=digit) for digit in range(4))]


def checked_images(
    model: str, files: Sequence[bytes], truths: Sequence[dict[str, Any]], on_version: OnVersion
) -> CheckedRequest:
    """``POST /predict/image`` for files whose first answers are known."""

    def check(answer: Answer) -> str | None:
        reported = json.loads(answer.body)
        near = [same_image(*pair) for pair in zip(reported["predictions"], truths, strict=False)]
        if len(reported["predictions"]) != len(truths) or not all(near):
            return f"{model}: {str(reported['predictions'])[:200]} is not the first answer, {str(truths)[:200]}"
        return on_version(model, reported["version"])

    return CheckedRequest(f"{len(files)} images", post(image_request(files, model)), check)


def same_image(reported: dict[str, Any], truth: dict[str, Any]) -> bool:
    """Whether two predictions for an image are the same within float32."""
    if "value" in truth:
        return math.isclose(reported["value"], truth["value"], rel_tol=PROBABILITIES, abs_tol=PROBABILITIES)
    ours, theirs = reported["probabilities"], truth["probabilities"]
    return reported["label"] == truth["label"] and all(abs(ours[key] - theirs[key]) <= PROBABILITIES for key in theirs)


def compare(reported: Sequence[list[float] | None], outputs: Sequence[list[float] | None]) -> str | None:
    """Why rows of numbers are wrong; None if they are right."""
    if len(reported) != len(outputs):
        return f"{len(reported)} rows instead of {len(outputs)}"
    for row, (found, output) in enumerate(zip(reported, outputs, strict=True)):
        if found is None or output is None:
            right = found is output
        else:
            near = (math.isclose(*pair, rel_tol=NUMBERS) for pair in zip(found, output, strict=False))
            right = len(found) == len(output) and all(near)
        if not right:
            return f"row {row} is {found} instead of {output}"
    return None


def flat(inputs: Sequence[Sequence[float]]) -> list[float]:
    """All numbers, row by row."""
    return [value for row in inputs for value in row]


def shuffled(
    pools: Sequence[tuple[float, list[CheckedRequest]]], length: int = 4000, seed: int = 0
) -> Iterator[CheckedRequest]:
    """Requests without end, each pool as often as its weight."""
    source = random.Random(seed)
    chosen = source.choices([pool for _, pool in pools], [weight for weight, _ in pools], k=length)
    cycle = [source.choice(pool) for pool in chosen]
    while True:
        yield from cycle


def _title(count: int) -> str:
    return f"{count} row{'s' * (count > 1)}"
