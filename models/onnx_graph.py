"""Walks an ONNX model: its stored tensors and its operators, those of subgraphs and functions included."""

from collections.abc import Iterable, Iterator

import onnx


def stored_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """All tensors that the model stores."""
    yield from _of_graph(model.graph)
    for function in model.functions:
        yield from _of_nodes(function.node)


def nodes_of(model: onnx.ModelProto) -> Iterator[onnx.NodeProto]:
    """All nodes."""
    yield from _nodes(model.graph.node)
    for function in model.functions:
        yield from _nodes(function.node)


def _of_graph(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _of_nodes(graph.node)


def _of_nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.TensorProto]:
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for subgraph in subgraphs_of(attribute):
                yield from _of_graph(subgraph)


def _nodes(nodes: Iterable[onnx.NodeProto]) -> Iterator[onnx.NodeProto]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for subgraph in subgraphs_of(attribute):
                yield from _nodes(subgraph.node)


def subgraphs_of(attribute: onnx.AttributeProto) -> list[onnx.GraphProto]:
    """The graphs of an attribute, such as a branch of an If."""
    return [subgraph for subgraph in (attribute.g, *attribute.graphs) if subgraph.ByteSize()]
