"""ONNX files to import: a table of numbers, and a graph with inputs and outputs of several datatypes."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CITIES = ("Bern", "Oslo", "Rome")
"""Others have the number -1."""


def linear(path: Path, weights: list[float]) -> None:
    """``x @ weights`` in single precision, of one column each."""
    constant = numpy_helper.from_array(np.array(weights, np.float32).reshape(-1, 1), "weights")
    node = helper.make_node("MatMul", ["x", "weights"], ["y"])
    _save(path, [node], [_port("x", TensorProto.FLOAT, len(weights))], [_port("y", TensorProto.FLOAT, 1)], [constant])


def mixed(path: Path) -> None:
    """Whole numbers, text and numbers in; a score, a whole number and a text out."""
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["city"],
            ["number"],
            domain="ai.onnx.ml",
            keys_strings=list(CITIES),
            values_floats=[1.0, 2.0, 3.0],
            default_float=-1.0,
        ),
        helper.make_node("Cast", ["count"], ["counted"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["number", "counted", "x"], ["all"], axis=1),
        helper.make_node("Tanh", ["all"], ["scores"]),
        helper.make_node("Add", ["count", "count"], ["doubled"]),
        helper.make_node("Identity", ["city"], ["same"]),
    ]
    inputs = [
        _port("city", TensorProto.STRING, 1),
        _port("count", TensorProto.INT64, 1),
        _port("x", TensorProto.FLOAT, 2),
    ]
    outputs = [
        _port("scores", TensorProto.FLOAT, 4),
        _port("doubled", TensorProto.INT64, 1),
        _port("same", TensorProto.STRING, 1),
    ]
    _save(path, nodes, inputs, outputs, [])


def _port(name: str, kind: int, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["rows", width])


def _save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    constants: list[onnx.TensorProto],
) -> None:
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)
