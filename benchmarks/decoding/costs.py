"""What a request with one image costs the service beside FastAPI, Pillow and ONNX Runtime, and where it goes."""

import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from app.codecs.image_body import read_image_body
from app.codecs.images import encode_response
from app.codecs.uploads import open_uploads
from app.settings import Settings
from benchmarks.decoding.drawn_images import draw
from benchmarks.serving.bodies import image_request, jpeg, png
from benchmarks.serving.fastapi_baseline import load
from benchmarks.serving.load import run_wrk, write_script
from benchmarks.serving.servers import ROOT, Server
from models.decoding import EncodedImage
from models.manifest import Manifest

CONNECTIONS, SECONDS = 32, 1
BATCH = 8
"""Images that the model computes together, about as many as 32 connections give."""
REPEATS = 20


def unsure_jpeg() -> bytes:
    """A photograph of 640x480 that shows no digit, so that a full decode answers it."""
    with io.BytesIO() as file:
        draw("photograph", 640, 480, 0).save(file, "JPEG", quality=75)
        return file.getvalue()


IMAGES: dict[str, Callable[[], bytes]] = {
    "28x28 PNG": png,
    "640x480 JPEG": jpeg,
    "640x480 JPEG, unsure": unsure_jpeg,
}


def measure(servers: Sequence[Server], rounds: int, load_cores: Sequence[int]) -> dict[str, dict[str, list[float]]]:
    """Microseconds of processor time of a request, by image and server, one a round, in turns."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, made in IMAGES.items():
        runs = found[name] = {server.name: [] for server in servers}
        with tempfile.TemporaryDirectory() as folder:
            script = write_script(Path(folder), image_request([made()]))
            for turn in range(rounds + 1):  # the first one warms them up
                for server in servers:
                    seen = run_wrk(script, server, CONNECTIONS, SECONDS, load_cores)
                    runs[server.name] += [round(seen.cpu_us, 1)] if turn else []
        print(f"{name}: { ({key: statistics.median(values) for key, values in runs.items()}) }", flush=True)
    return found


def parts(rounds: int, core: int) -> dict[str, dict[str, float]]:
    """Microseconds of processor time of the parts of a request: the least of some rounds, in turns, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, [core])
    manifest = Manifest.model_validate_json((ROOT / "repository/digit/1/manifest.json").read_bytes())
    tasks = {name: _parts(made(), manifest, load("digit")) for name, made in IMAGES.items()}
    best: dict[str, dict[str, float]] = {name: {} for name in tasks}
    for _ in range(rounds):
        for name, of_image in tasks.items():
            for part, work in of_image.items():
                best[name][part] = min(best[name].get(part, np.inf), _microseconds(work))
    os.sched_setaffinity(0, allowed)
    return {name: {part: round(value, 1) for part, value in seen.items()} for name, seen in best.items()}


def _parts(content: bytes, manifest: Manifest, session: Any) -> Mapping[str, Callable[[], object]]:
    body, settings = image_request([content]), Settings()

    def opened() -> Any:
        return open_uploads([content], manifest, settings)[0]

    def in_full() -> Any:
        return np.asarray(Image.open(io.BytesIO(content)).convert("L"))

    def batch(pixels: Any) -> Callable[[], object]:
        return partial(session.run, None, {"input": np.stack([pixels] * BATCH)})

    outputs = np.full((1, 10), 0.1)
    return {
        "form": lambda: read_image_body(body.content_type, body.content, settings),
        "header": opened,
        "header and pixels": lambda: opened().decode("L"),
        "the same, in full": lambda: EncodedImage(content).decode("L"),
        "all of it by Pillow, in full": in_full,
        "model": batch(opened().decode("L")),
        "model, in full": batch(in_full()[None]),
        "answer": lambda: encode_response(manifest, outputs, [None]),
    }


def _microseconds(work: Callable[[], object]) -> float:
    work()
    started = time.process_time()
    for _ in range(REPEATS):
        work()
    return (time.process_time() - started) / REPEATS * 1e6
