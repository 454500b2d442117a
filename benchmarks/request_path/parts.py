"""The parts of a prediction, each alone, with the functions that the service calls."""

from collections.abc import Callable
from time import thread_time

import numpy as np

from app.codecs.tabular import decode_request, encode_response, to_array
from app.main import Application
from app.observability.extrapolation import bounds_of, outside_ranges
from app.transport.prepared_response import PreparedResponse
from benchmarks.request_path.connections import TURN
from benchmarks.serving.bodies import Body

PARTS = {
    "decode": "the JSON to a float64 array, by msgspec",
    "check": "rows and columns against the model and the limits",
    "compute": "ONNX Runtime, a batch of all requests of the turn",
    "range": "the training range, for that batch",
    "encode": "finite check, the response as JSON",
    "head": "the response's head and body as bytes",
}

OF_A_BATCH = ("compute", "range")
"""Parts that are done once for all requests of a turn."""


def part_seconds(app: Application, body: Body, repeats: int) -> dict[str, float]:
    """Processor seconds that each part of a request takes."""
    service = app.state.service
    model, settings = service.repository.get("multiply"), service.settings
    _, rows = decode_request(body.content, settings)
    inputs = to_array(rows, model.manifest, settings.max_rows)
    batch = np.concatenate([inputs] * TURN)
    outputs = model.predict(inputs)
    bounds = bounds_of(model.manifest.training.ranges)
    outside = outside_ranges(inputs, bounds)
    response = encode_response(model.manifest, inputs, outputs, outside=outside)
    prepared, headers = PreparedResponse(), [(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT")]
    calls: dict[str, Callable[[], object]] = {
        "decode": lambda: decode_request(body.content, settings),
        "check": lambda: to_array(rows, model.manifest, settings.max_rows),
        "compute": lambda: model.predict(batch),
        "range": lambda: outside_ranges(batch, bounds),
        "encode": lambda: encode_response(model.manifest, inputs, outputs, outside=outside),
        "head": lambda: prepared.format(headers) % (len(response), b"0123456789abcdef", response),
    }
    return {name: _seconds(call, repeats) / (TURN if name in OF_A_BATCH else 1) for name, call in calls.items()}


def _seconds(call: Callable[[], object], repeats: int) -> float:
    call()
    began = thread_time()
    for _ in range(repeats):
        call()
    return (thread_time() - began) / repeats
