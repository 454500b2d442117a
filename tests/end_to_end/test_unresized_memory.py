"""The service's memory stays bounded when many clients send large images to a CNN that does not resize them."""

import io
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from tests.app.factory import image_manifest, onnx_bytes, write_version
from tests.end_to_end.server import HTTP, Server, serve

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="Reads memory from /proc.")]

CHANNELS = 16
SIDE = 1000
CLIENTS = 6
MEBIBYTE = 2**20
FEATURES = 2 * CHANNELS * 4 * SIDE**2 / MEBIBYTE
"""Of one image, in MiB: a convolution's input and output, in float32."""


def cnn_onnx() -> bytes:
    """Two convolutions of 3x3, each with a ReLU, and the mean over all pixels."""
    given = helper.make_tensor_value_info("input", TensorProto.UINT8, ["N", 1, "H", "W"])
    result = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 1])
    random = np.random.default_rng(0)
    weights = {
        "W1": random.normal(size=(CHANNELS, 1, 3, 3)),
        "W2": random.normal(size=(CHANNELS, CHANNELS, 3, 3)),
    }
    initializer = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    nodes = [
        helper.make_node("Cast", ["input"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Conv", ["x", "W1"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "W2"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("ReduceMean", ["d"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["output"]),
    ]
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    return onnx_bytes(helper.make_graph(nodes, "cnn", [given], [result], [*initializer, axis]))


def resident(server: Server, field: str) -> float:
    """``VmRSS``, resident memory, or ``VmHWM``, the most of it until now, in MiB."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def test_peak_and_rest_are_bounded_by_the_pixels_in_flight(tmp_path: Path) -> None:
    manifest = image_manifest("cnn", "brightness", resize=False)
    write_version(tmp_path, cnn_onnx(), manifest | {"training": manifest["training"] | {"ranges": []}})
    content = io.BytesIO()
    Image.fromarray((np.indices((SIDE, SIDE)).sum(0) % 256).astype(np.uint8)).save(content, "PNG")
    settings = {
        "NALU_DEVICE": "cpu",
        "NALU_THREADS": "1",
        "NALU_MAX_CONCURRENT_BATCHES": str(CLIENTS),
        "NALU_MAX_CONCURRENT_PIXELS": str(SIDE**2),
        "NALU_MAX_QUEUE_DELAY_SECONDS": "60",
        "NALU_REQUEST_TIMEOUT_SECONDS": "120",
    }
    with serve(tmp_path, **settings) as server:
        before = resident(server, "VmRSS")

        def predict(_: int) -> float:
            files = [("files", ("a.png", content.getvalue()))]
            response = HTTP.post(f"{server.url}/predict/image", data={"model": "cnn"}, files=files, timeout=120)
            assert response.status_code == 200, response.text
            return float(response.json()["predictions"][0]["value"])

        with ThreadPoolExecutor(CLIENTS) as clients:
            predictions = list(clients.map(predict, range(CLIENTS)))
        peak = resident(server, "VmHWM") - before
        time.sleep(0.2)
        rest = resident(server, "VmRSS") - before
    assert len(set(predictions)) == 1
    assert FEATURES < peak < 2.5 * FEATURES  # all at once would be CLIENTS times as much
    assert rest < FEATURES
