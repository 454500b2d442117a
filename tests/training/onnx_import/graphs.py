"""Tiny graphs, the command that imports them, and ONNX Runtime on what it wrote."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from models.manifest import Manifest
from training.__main__ import main

FLOAT, DOUBLE, INT64, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING
W = np.array([[0.1, -2.0], [0.7, 0.25], [1.3, 3.0]], np.float32)


def value(name: str, kind: int, shape: Sequence[int | str] | None) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def model_of(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    constants: dict[str, NDArray[Any]] | None = None,
    *,
    opset: int = 17,
    ir_version: int = 8,
) -> onnx.ModelProto:
    stored = [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, stored)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version, producer_name="by hand")


def linear(batch: int | str = "N", kind: int = FLOAT, name: str = "x") -> onnx.ModelProto:
    """Three columns times ``W``."""
    weights = W.astype(helper.tensor_dtype_to_np_dtype(kind))
    node = helper.make_node("MatMul", [name, "W"], ["y"])
    return model_of([node], [value(name, kind, [batch, 3])], [value("y", kind, [batch, 2])], {"W": weights})


def text_classifier(zip_map: bool = True) -> onnx.ModelProto:
    """As skl2onnx writes a classifier: two columns of text, a label and a list of maps."""
    nodes = [
        helper.make_node("OneHotEncoder", ["city"], ["a"], domain="ai.onnx.ml", cats_strings=["Oslo", "Rome"], zeros=0),
        helper.make_node("OneHotEncoder", ["kind"], ["b"], domain="ai.onnx.ml", cats_strings=["flat", "hut"], zeros=0),
        helper.make_node("Mul", ["a", "b"], ["cube"]),
        helper.make_node("ReduceSum", ["cube", "axis"], ["share"], keepdims=0),
        helper.make_node("ArgMax", ["share"], ["place"], axis=1, keepdims=0),
        helper.make_node(
            "LabelEncoder", ["place"], ["label"], domain="ai.onnx.ml", keys_int64s=[0, 1], values_strings=["no", "yes"]
        ),
        helper.make_node("ZipMap", ["share"], ["shares"], domain="ai.onnx.ml", classlabels_strings=["no", "yes"]),
    ]
    maps = helper.make_sequence_type_proto(
        helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, None))
    )
    shares = helper.make_value_info("shares", maps) if zip_map else value("share", FLOAT, ["N", 2])
    inputs = [value("city", STRING, ["N", 1]), value("kind", STRING, ["N", 1])]
    outputs = [value("label", STRING, ["N"]), shares]
    return model_of(nodes, inputs, outputs, {"axis": np.array([1], np.int64)})


def write(folder: Path, model: onnx.ModelProto, name: str = "model.onnx") -> Path:
    path = folder / name
    path.write_bytes(model.SerializeToString())
    return path


def import_file(path: Path, *options: object) -> Path:
    """Run the command, which must succeed; returns the version folder."""
    repository = path.parent / "repository"
    before = set(repository.glob("*/*"))
    assert main(["import", str(path), "--repository", str(repository), *map(str, options)]) == 0
    (folder,) = set(repository.glob("*/*")) - before
    return folder


def imported(path: Path, *options: object) -> tuple[Manifest, Any]:
    """The manifest of an imported file, and an ONNX Runtime session of the graph that was written."""
    folder = import_file(path, *options)
    manifest = Manifest.read(folder)
    return manifest, onnxruntime.InferenceSession(manifest.read_file(folder, "model.onnx"))


def expect_refused(path: Path, capsys: pytest.CaptureFixture[str], message: str, *options: object) -> None:
    """Assert that the command ends with that one sentence and code 2, and writes nothing."""
    repository = path.parent / "repository"
    capsys.readouterr()
    assert main(["import", str(path), "--repository", str(repository), *map(str, options)]) == 2
    captured = capsys.readouterr()
    assert captured.err == f"nalu-serve: {message.format(path=path)}\n"
    assert not [path for path in repository.rglob("*") if path.is_file()]
