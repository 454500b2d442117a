"""Renders docs/results/decoders.md."""

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.decoding.costs import BATCH
from benchmarks.serving.cells import heads, ratio, row

PARTS = (
    *("form", "header", "header and pixels", "the same, in full", "all of it by Pillow, in full"),
    *("model", "model, in full", "answer"),
)
TIMES = {"png": "28x28 PNG", "grey": "JPEG, grey", "quarter": "JPEG, grey, a quarter", "colour": "JPEG, colour"}


def render(results: dict[str, Any]) -> str:
    """The page."""
    sections = {"costs": _costs, "answers": _answers, "decoders": _decoders}
    lines = [line for name, section in sections.items() if name in results for line in section(results)]
    return "\n".join([*_introduction(results), *lines]) + "\n"


def _introduction(results: dict[str, Any]) -> Iterator[str]:
    yield "# Decoding images\n"
    yield (
        f"`python -m benchmarks.decoding --write` measured this on {results['date']}: {results['processor']}, Python "
        f"{results['python']}, Pillow {results['pillow']}. It ends with 1 where an answer is further than 0.01 from "
        "that of a full decode.\n"
    )


def _costs(results: dict[str, Any]) -> Iterator[str]:
    yield "## What a request costs\n"
    yield (
        "Microseconds of processor time of a request with one image for `digit`, of the service and of the two "
        "baselines of [the serving benchmark](serving.md) with FastAPI, Pillow and ONNX Runtime, in turns, one core "
        "for the server and 32 connections; medians, and in brackets the lowest and highest ratio. *Unsure* is a "
        "photograph without a digit, which is decoded in full, and one in sixteen reduced before "
        "([decision](../design/jpeg-decoding.md)).\n"
    )
    yield heads(["", "Ours", "Baseline", "Async baseline", "Baseline / ours", "Async baseline / ours"])
    for name, runs in results["costs"].items():
        medians = [f"{statistics.median(seen):,.0f}" for seen in runs.values()]
        ours, others = runs["service"], [seen for key, seen in runs.items() if key != "service"]
        yield row([name, *medians, *(ratio(other, ours) for other in others)])
    yield (
        "\nWhere it goes, in the service's process without a network, the least of some rounds. *Header* is part of "
        f"*header and pixels*; the model's time is that of an image in a batch of {BATCH}. What is left of the whole "
        "is HTTP, the queue and the metrics; no thread is involved.\n"
    )
    yield heads(["", *(part[0].upper() + part[1:] for part in PARTS)])
    for name, seen in results["parts"].items():
        shares = {part: value / (BATCH if part.startswith("model") else 1) for part, value in seen.items()}
        yield row([name, *(f"{shares[part]:,.0f}" if part in shares else "" for part in PARTS)])


def _answers(results: dict[str, Any]) -> Iterator[str]:
    yield "\n## Answers beside those of a full decode\n"
    yield (
        f"JPEGs drawn by `benchmarks/decoding/drawn_images.py`, nine kinds of {results['sizes']} sizes from 96x96 to "
        f"1500x2000, each in {results['qualities']} qualities from 30 to 95, grey, and in colours at 4:4:4 and 4:2:0. "
        "The service is asked over HTTP; the full decode is Pillow's `convert('L')`, and the model itself is asked "
        "about that. *Sure* is the share that `digit` answers from a reduced image where it tries one; the largest "
        "difference counts those answers too. The last column is what it would be if every image were reduced.\n"
    )
    yield heads(["Images", "Files", "`digit`: largest difference", "`digit-value`", "Sure", "`digit`, always reduced"])
    for kind, seen in results["answers"].items():
        differences = [f"{seen[key]:.4f}" for key in ("digit", "value")]
        yield row([kind, str(seen["files"]), *differences, f"{seen['sure']:.0%}", f"{seen['always_reduced']:.2f}"])


def _decoders(results: dict[str, Any]) -> Iterator[str]:
    yield "\n## Decoders\n"
    yield (
        "The least microseconds of processor time for the files of the first table, each decoder in turn and called "
        "as its documentation says, in an environment that the command makes; with the size of its package there.\n"
    )
    yield heads(["Decoder", *TIMES.values(), "MB"])
    for name, seen in results["decoders"].items():
        times = [f"{seen[what]:,.0f}" if what in seen else "" for what in TIMES]
        yield row([name, *times, f"{seen['megabytes']:.1f}"])
    yield "\nWhat else decides, looked up on 2026-11-29:\n"
    yield heads(["Decoder", "Package", "Released", "Licence", "Formats", "Wheels", "Limits and tests"])
    for name, seen in results["decoders"].items():
        yield row([name, *(seen[key] for key in ("package", "released", "licence", "formats", "wheels", "limits"))])
    yield (
        "\n`pillow-simd` takes Pillow's place, has no wheels, and builds from source with the system's libraries; its "
        "speed is in resizing, which the service leaves to the graph. `fpng` decodes only files that it has written. "
        "The decisions: [small PNG files](../design/small-png-files.md), [JPEGs](../design/jpeg-decoding.md)."
    )
