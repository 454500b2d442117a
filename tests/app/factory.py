"""Tiny model repositories, made without PyTorch, and the service running on one."""

import hashlib
import json
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onnx import GraphProto, NodeProto, TensorProto, helper

from app.main import create_app
from app.settings import Settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for httpx2 in the place of httpx, which works as well
    from starlette.testclient import TestClient

LIMIT_SECONDS = 5
CLASSES = ["dark", "bright"]


def onnx_bytes(graph: GraphProto) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    return bytes(model.SerializeToString())


def arithmetic_graph(
    nodes: list[NodeProto], initializer: list[TensorProto], width: int = 2, outputs: int = 1
) -> GraphProto:
    row = helper.make_tensor_value_info("input", TensorProto.DOUBLE, ["N", width])
    result = helper.make_tensor_value_info("output", TensorProto.DOUBLE, ["N", outputs])
    return helper.make_graph(nodes, "arithmetic", [row], [result], initializer)


def sum_onnx(weight: float = 1.0, width: int = 2) -> bytes:
    """``weight`` times the sum of the columns."""
    weights = helper.make_tensor("W", TensorProto.DOUBLE, [width, 1], [weight] * width)
    return onnx_bytes(arithmetic_graph([helper.make_node("MatMul", ["input", "W"], ["output"])], [weights], width))


def ratio_onnx() -> bytes:
    """The first column divided by the second."""
    columns = [helper.make_tensor(f"column{i}", TensorProto.INT64, [1], [i]) for i in (0, 1)]
    nodes = [helper.make_node("Gather", ["input", f"column{i}"], [f"x{i}"], axis=1) for i in (0, 1)]
    return onnx_bytes(arithmetic_graph([*nodes, helper.make_node("Div", ["x0", "x1"], ["output"])], columns))


def spread_onnx() -> bytes:
    """Of the sum: 1 more than the sum, the size of the first column, and that of the inverse of the second."""
    one = helper.make_tensor("one", TensorProto.DOUBLE, [1], [1.0])
    columns = [helper.make_tensor(f"column{i}", TensorProto.INT64, [1], [i]) for i in (0, 1)]
    nodes = [
        *(helper.make_node("Gather", ["input", f"column{i}"], [f"x{i}"], axis=1) for i in (0, 1)),
        helper.make_node("Sum", ["x0", "x1", "one"], ["fitted"]),
        helper.make_node("Abs", ["x0"], ["noise"]),
        helper.make_node("Div", ["one", "x1"], ["inverse"]),
        helper.make_node("Abs", ["inverse"], ["error"]),
        helper.make_node("Concat", ["fitted", "noise", "error"], ["output"], axis=1),
    ]
    return onnx_bytes(arithmetic_graph(nodes, [one, *columns], outputs=3))


def image_onnx(kind: str, channels: int = 1) -> bytes:
    """``brightness``: the mean of all pixels. ``classes``: that mean as a share of 255, for dark and for bright."""
    image = helper.make_tensor_value_info("input", TensorProto.UINT8, ["N", channels, "H", "W"])
    result = helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 1 if kind == "brightness" else 2])
    numbers = {"axis": [1], "white": [255.0], "one": [1.0]}
    types = {"axis": TensorProto.INT64, "white": TensorProto.FLOAT, "one": TensorProto.FLOAT}
    initializer = [helper.make_tensor(name, types[name], [1], value) for name, value in numbers.items()]
    nodes = [
        helper.make_node("Cast", ["input"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["output" if kind == "brightness" else "column"]),
    ]
    if kind == "classes":
        nodes += [
            helper.make_node("Div", ["column", "white"], ["bright"]),
            helper.make_node("Sub", ["one", "bright"], ["dark"]),
            helper.make_node("Concat", ["dark", "bright"], ["output"], axis=1),
        ]
    return onnx_bytes(helper.make_graph(nodes, kind, [image], [result], initializer))


def manifest_of(name: str, version: int, **changes: Any) -> dict[str, Any]:
    """The manifest of an arithmetic model of two columns, with some entries changed."""
    manifest = {
        "name": name,
        "version": version,
        "task": "arithmetic",
        "summary": "for tests",
        "inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 2], "columns": ["a", "b"]}],
        "outputs": [{"name": "output", "datatype": "FP64", "shape": [-1, 1], "columns": ["y"]}],
        "classes": None,
        "image": None,
        "unit": "NAC",
        "dims": [2, 1],
        "formula": "a + b",
        "latex": "a + b",
        "training": {
            "ranges": [[1, 2], [-5, 5]],
            "rows": 1,
            "seed": 0,
            "command": "test",
            "packages": {},
            "data": "none",
        },
        "metrics": {},
        "files": {},
    }
    return manifest | changes


def write_version(
    root: Path, content: bytes, manifest: dict[str, Any], file: str = "model.onnx", folder: Path | None = None
) -> Path:
    """Write a version folder whose manifest vouches for the content, and return the folder."""
    folder = folder or root / manifest["name"] / str(manifest["version"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(content)
    listed = {file: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}}
    (folder / "manifest.json").write_text(json.dumps(manifest | {"files": listed}))
    return folder


def write_sum(root: Path, name: str = "sum", version: int = 1, *, weight: float = 1.0, **changes: Any) -> Path:
    return write_version(root, sum_onnx(weight), manifest_of(name, version, **changes))


UNCERTAINTY: dict[str, Any] = {
    "noise": "constant",
    "constant_noise": 1.0,
    "relative_noise": 0.0,
    "degrees_of_freedom": 9,
    "constants": [{"value": 1.0, "estimate": 1.01, "standard_error": 0.02, "term": "a", "function": None}],
    "levels": {"0.9": {"noise": 1.5, "constants": 2.0}, "0.95": {"noise": 2.0, "constants": 3.0}},
}


def write_uncertain(root: Path, name: str = "uncertain", content: bytes | None = None) -> Path:
    """The sum with intervals, made of ``spread_onnx`` unless other content is given."""
    content = spread_onnx() if content is None else content
    folder = write_version(root, sum_onnx(), manifest_of(name, 1, unit="Law", uncertainty=UNCERTAINTY))
    return add_file(folder, "intervals.onnx", content)


def add_file(folder: Path, name: str, content: bytes) -> Path:
    """Add a file to a version folder, whose manifest then vouches for it, and return the folder."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


CURVE: dict[str, Any] = {
    "column": "a",
    "range": [1.0, 2.0],
    "inputs": [0.0, 1.5, 9.0],
    "model": [0.0, None, 9.0],
    "mlp": None,
}
CURVES: dict[str, Any] = {"target": "y", "at": {"a": 1.5, "b": 0.0}, "curves": [CURVE]}


def write_curves(root: Path, name: str, version: int = 1, curves: dict[str, Any] = CURVES) -> Path:
    """The sum with samples."""
    return add_file(write_sum(root, name, version), "curves.json", json.dumps(curves).encode())


def write_ratio(root: Path, name: str = "ratio") -> Path:
    return write_version(root, ratio_onnx(), manifest_of(name, 1, formula="a / b"))


def image_manifest(
    name: str, kind: str, *, channels: int = 1, resize: bool = True, fixed: bool = False, **changes: Any
) -> dict[str, Any]:
    """The manifest of an image model of 4 x 6 pixels: resized to that, of at least that, or of exactly that."""
    classes = CLASSES if kind == "classes" else None
    shape = [-1, channels, 4, 6] if fixed else [-1, channels, -1, -1]
    entries = {
        "task": "image-classification" if classes else "image-regression",
        "inputs": [{"name": "input", "datatype": "UINT8", "shape": shape, "columns": None}],
        "outputs": [{"name": "output", "datatype": "FP32", "shape": [-1, 2 if classes else 1], "columns": None}],
        "classes": classes,
        "image": {"mode": "L" if channels == 1 else "RGB", "height": 4, "width": 6, "resize": resize and not fixed},
        "formula": None,
        "latex": None,
        "training": manifest_of(name, 1)["training"] | {"ranges": [] if classes else [[0, 255]]},
    }
    return manifest_of(name, 1, **(entries | changes))


def write_image(
    root: Path, name: str, kind: str, *, channels: int = 1, resize: bool = True, fixed: bool = False
) -> Path:
    manifest = image_manifest(name, kind, channels=channels, resize=resize, fixed=fixed)
    return write_version(root, image_onnx(kind, channels), manifest)


@contextmanager
def running(root: Path, *, raise_server_exceptions: bool = True, **settings: Any) -> Iterator[TestClient]:
    """A client of the service on that repository, once its models are loaded."""
    values = {"repository_poll_seconds": 0, "threads": 1} | settings
    app = create_app(Settings(repository=root, **values))
    with TestClient(app, raise_server_exceptions=raise_server_exceptions) as client:
        wait_until(lambda: app.state.service.repository.initial_scan_done)
        yield client


def wait_until(holds: Any, seconds: float = LIMIT_SECONDS) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.01)
