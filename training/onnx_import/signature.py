"""Inputs and outputs of a graph: which are served, and their names, datatypes and shapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from models.manifest import MAX_TENSORS
from training.data.tables.excerpt import excerpt, listed
from training.errors import InputError

DATATYPES: dict[int, str] = {
    TensorProto.BOOL: "BOOL",
    TensorProto.UINT8: "UINT8",
    TensorProto.UINT16: "UINT16",
    TensorProto.UINT32: "UINT32",
    TensorProto.UINT64: "UINT64",
    TensorProto.INT8: "INT8",
    TensorProto.INT16: "INT16",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.FLOAT16: "FP16",
    TensorProto.FLOAT: "FP32",
    TensorProto.DOUBLE: "FP64",
    TensorProto.STRING: "BYTES",
}
"""Datatype of the Open Inference Protocol for each type of ONNX that has one."""


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Args:
        name: of the tensor.
        datatype: of its values.
        shape: -1 is free; None where the graph does not say it.
    """

    name: str
    datatype: str
    shape: tuple[int, ...] | None


def open_zip_maps(model: onnx.ModelProto) -> list[str]:
    """Let outputs that are a list of maps, as of classifiers by skl2onnx and onnxmltools, be probabilities instead.

    Returns:
        The classes of the last of them, in the order of the probabilities; empty where there is none.
    """
    outputs = {output.name: output for output in model.graph.output}
    classes: list[str] = []
    for node in model.graph.node:
        if node.op_type != "ZipMap" or node.output[0] not in outputs:
            continue
        labels = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        strings, integers = labels.get("classlabels_strings"), labels.get("classlabels_int64s")
        classes = [label.decode() for label in strings] if strings else [str(label) for label in integers or ()]
        node.op_type, node.domain = "Identity", ""
        del node.attribute[:]
        probabilities = helper.make_tensor_type_proto(TensorProto.FLOAT, [None, len(classes)])
        outputs[node.output[0]].type.CopyFrom(probabilities)
    return classes


def select_outputs(model: onnx.ModelProto, names: Sequence[str] | None, path: Path) -> None:
    """Keep the outputs that are named, in the graph's order; None keeps all.

    Raises:
        InputError: the graph has no such output.
    """
    if names is None:
        return
    outputs = list(model.graph.output)
    known = [output.name for output in outputs]
    for name in names:
        if name not in known:
            raise InputError(f"{path} has no output '{excerpt(name)}'; --outputs may name {listed(known)}.")
    del model.graph.output[:]
    model.graph.output.extend(output for output in outputs if output.name in names)


def inputs_of(model: onnx.ModelProto, path: Path) -> list[Port]:
    """The inputs that a request must give; those with a default in the graph keep it.

    Raises:
        InputError: one is no tensor of a datatype that the protocol has, or its shape is unknown.
    """
    constant = {tensor.name for tensor in model.graph.initializer}
    ports = [_port(value, "input", path) for value in model.graph.input if value.name not in constant]
    _check_count(ports, "inputs", path)
    for port in ports:
        if port.shape is None:
            raise InputError(f"{path}: input '{excerpt(port.name)}' has no shape; export the model with one.")
    return ports


def outputs_of(model: onnx.ModelProto, path: Path) -> list[Port]:
    """The outputs.

    Raises:
        InputError: one is no tensor of a datatype that the protocol has.
    """
    ports = [_port(value, "output", path) for value in model.graph.output]
    _check_count(ports, "outputs", path)
    return ports


def _check_count(ports: Sequence[Port], what: str, path: Path) -> None:
    if not 1 <= len(ports) <= MAX_TENSORS:
        repair = "name fewer with --outputs" if what == "outputs" else "join them in the model"
        raise InputError(f"{path} has {len(ports)} {what}; the service takes 1 to {MAX_TENSORS}, so {repair}.")


def _port(value: onnx.ValueInfoProto, what: str, path: Path) -> Port:
    kind = value.type.WhichOneof("value")
    repair = "leave it out with --outputs" if what == "output" else "export the model without it"
    where = f"{path}: {what} '{excerpt(value.name)}'"
    if kind != "tensor_type":
        shown = (kind or "unknown").removesuffix("_type").replace("_", " ")
        raise InputError(f"{where} is of type {shown}, and the service has tensors only; {repair}.")
    tensor = value.type.tensor_type
    if tensor.elem_type not in DATATYPES:
        name = TensorProto.DataType.Name(tensor.elem_type)
        raise InputError(f"{where} holds {name}, which the protocol does not have; cast it in the model, or {repair}.")
    shape = None
    if tensor.HasField("shape"):
        shape = tuple(size.dim_value if size.HasField("dim_value") else -1 for size in tensor.shape.dim)
    return Port(value.name, DATATYPES[tensor.elem_type], shape)
