"""Puts operators before and behind a graph, so that it takes and returns other tensors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.onnx_graph import subgraphs_of

PREFIX = "imported/"
"""Before the names of the graph's inputs and outputs, as those of the whole are called so."""
AROUND = "around/"
"""Before the name of every tensor of the surroundings but inputs and outputs."""
DEFAULT_OPSET = 17
MIN_IR_VERSION = 8
"""Before version 4, constants had to be inputs too."""
FLOATS: dict[str, int] = {"FP16": TensorProto.FLOAT16, "FP32": TensorProto.FLOAT, "FP64": TensorProto.DOUBLE}
"""ONNX's types of numbers with a fraction."""


@dataclass
class Surroundings:
    """Operators around a graph, whose inputs and outputs have ``PREFIX`` before their names."""

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
    """The name, within its surroundings, of an input or output of the graph."""
    return PREFIX + name


def renamed(model: onnx.ModelProto, prefix: str) -> onnx.ModelProto:
    """The model with a prefix before the names of its inputs and outputs, so that others may have these.

    ``onnx.compose.add_prefix`` leaves some names in the branches of an If or the body of a Loop as they were.
    """
    found = onnx.ModelProto()
    found.CopyFrom(model)
    graph = found.graph
    _rename(graph, {value.name: prefix + value.name for value in (*graph.input, *graph.output)})
    return found


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    for node in graph.node:
        for tensors in (node.input, node.output):
            for place, name in enumerate(tensors):
                tensors[place] = names.get(name, name)
        for attribute in node.attribute:
            for subgraph in subgraphs_of(attribute):
                _rename(subgraph, names)
    sparse = [each.values for each in graph.sparse_initializer]
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer, *sparse):
        value.name = names.get(value.name, value.name)


def surround(model: onnx.ModelProto, around: Surroundings) -> onnx.ModelProto:
    """The graph with these operators around it."""
    found = renamed(model, PREFIX)
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
