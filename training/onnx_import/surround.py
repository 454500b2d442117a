"""Puts operators before and behind a graph, so that it takes and returns other tensors."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.compose import add_prefix

PREFIX = "imported/"
"""Before the name of every tensor of the graph, so that no other is called the same."""
AROUND = "around/"
"""Before the name of every tensor of the surroundings but inputs and outputs."""
DEFAULT_OPSET = 17
MIN_IR_VERSION = 8
"""Before version 4, constants had to be inputs too."""
FLOATS: dict[str, int] = {"FP16": TensorProto.FLOAT16, "FP32": TensorProto.FLOAT, "FP64": TensorProto.DOUBLE}
"""ONNX's types of numbers with a fraction."""


@dataclass
class Surroundings:
    """Operators around a graph whose tensors have ``PREFIX`` before their names."""

    inputs: list[onnx.ValueInfoProto]
    outputs: list[onnx.ValueInfoProto]
    before: list[onnx.NodeProto] = field(default_factory=list)
    behind: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator before the graph; returns the name of its result."""
        result = f"{AROUND}{len(self.before)}"
        self.before.append(helper.make_node(operator, list(inputs), [result], **attributes))
        return result

    def constant(self, name: str, value: object, kind: str) -> str:
        """Add a constant, by its name."""
        self.constants.append(numpy_helper.from_array(np.array(value, kind), name))
        return name


def inner(name: str) -> str:
    """The name, within its surroundings, of a tensor of the graph."""
    return PREFIX + name


def surround(model: onnx.ModelProto, around: Surroundings) -> onnx.ModelProto:
    """The graph with these operators around it."""
    found = add_prefix(model, PREFIX, rename_nodes=True, rename_functions=False)
    graph = found.graph
    nodes = [*around.before, *graph.node, *around.behind]
    for part, items in ((graph.node, nodes), (graph.input, around.inputs), (graph.output, around.outputs)):
        del part[:]
        part.extend(items)
    graph.initializer.extend(around.constants)
    found.ir_version = max(found.ir_version, MIN_IR_VERSION)
    return found


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators in the model, which gets one if it has none of them."""
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx"):
            return int(entry.version)
    model.opset_import.append(helper.make_opsetid("", DEFAULT_OPSET))
    return DEFAULT_OPSET
