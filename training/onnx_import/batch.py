"""Gives a graph whose batch is fixed at 1 a free batch axis: by declaration alone, or row by row within the graph."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import helper

from training.errors import InputError
from training.onnx_import.session import open_session
from training.onnx_import.signature import Port
from training.onnx_import.surround import MIN_IR_VERSION, opset_of, renamed
from training.onnx_import.trial import Row, Trial, find_example, run_trial, texts_of

BATCH = "batch"
"""The name of the free axis."""
STEP = "step/"
"""Before the names of the inputs and outputs of one step of the loop."""
MIN_SCAN_OPSET = 9
"""Before it, Scan had a batch axis of its own."""


def with_free_batch(model: onnx.ModelProto, ports: Sequence[Port], path: Path) -> tuple[onnx.ModelProto, Trial]:
    """The model, whose first axes are free, and its trial.

    Raises:
        InputError: its first axis is no batch: it is fixed at another size, or rows influence one another.
    """
    for port in ports:
        if not port.shape or port.shape[0] not in (-1, 1):
            raise InputError(
                f"{path}: input '{port.name}' has shape {_shown(port)}, and its first axis must be a free batch; "
                "export the model with a dynamic batch axis, or with a batch of 1."
            )
    session = open_session(model, str(path))
    example = find_example(session, ports, texts_of(model.graph.node), path)
    trial = run_trial(session, ports, example)
    if trial is None and any(port.shape and port.shape[0] == 1 for port in ports):
        return _freed(model, session, ports, example, path)
    if trial is None:
        raise InputError(
            f"{path} does not compute each row of a batch for itself: three rows together have other results than each "
            "alone, or no three results; export it with the batch as first axis of every input and output."
        )
    return model, trial


def _freed(
    model: onnx.ModelProto, session: object, ports: Sequence[Port], example: Row, path: Path
) -> tuple[onnx.ModelProto, Trial]:
    """The model for batches of any size; its rows have the results that the model for one row has."""
    for build in (_declared_free, _row_by_row):
        free = build(model)
        try:
            trial = run_trial(open_session(free, str(path)), ports, example, alone=session)
        except InputError:
            continue
        if trial is not None:
            return free, trial
    raise InputError(
        f"{path} has a batch of 1, and cannot be run row by row; export it with a dynamic batch axis, and opset "
        f"{MIN_SCAN_OPSET} or newer."
    )


def _declared_free(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same operators, which may well compute batches of any size."""
    free = onnx.ModelProto()
    free.CopyFrom(model)
    del free.graph.value_info[:]
    for value in free.graph.input:
        if value.type.tensor_type.shape.dim:
            value.type.tensor_type.shape.dim[0].dim_param = BATCH
    for value in free.graph.output:
        value.type.tensor_type.ClearField("shape")
    return free


def _row_by_row(model: onnx.ModelProto) -> onnx.ModelProto:
    """The operators as the body of a Scan over the rows."""
    constant = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constant]
    outputs, opset = list(model.graph.output), opset_of(model)
    body = renamed(model, STEP).graph
    axes = helper.make_tensor("row/axes", onnx.TensorProto.INT64, [1], [0])
    before = [_axis_node("Unsqueeze", f"row/{each.name}", STEP + each.name, opset) for each in inputs]
    behind = [_axis_node("Squeeze", STEP + each.name, f"row/{each.name}", opset) for each in outputs]
    nodes = [*before, *body.node, *behind]
    step = helper.make_graph(
        nodes,
        "row",
        [_row_of(value) for value in inputs],
        [_untyped(f"row/{value.name}", value) for value in outputs],
        [*body.initializer, axes],
    )
    names = [value.name for value in inputs], [value.name for value in outputs]
    scan = helper.make_node("Scan", *names, body=step, num_scan_inputs=len(inputs))
    found = onnx.ModelProto()
    found.CopyFrom(_declared_free(model))
    for part in (found.graph.node, found.graph.initializer, found.graph.input):
        del part[:]
    found.graph.node.append(scan)
    found.graph.input.extend(value for value in _declared_free(model).graph.input if value.name not in constant)
    found.ir_version = max(found.ir_version, MIN_IR_VERSION)
    return found


def _axis_node(operator: str, source: str, result: str, opset: int) -> onnx.NodeProto:
    if opset < 13:
        return helper.make_node(operator, [source], [result], axes=[0])
    return helper.make_node(operator, [source, "row/axes"], [result])


def _row_of(value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    row = onnx.ValueInfoProto()
    row.CopyFrom(value)
    row.name = f"row/{value.name}"
    del row.type.tensor_type.shape.dim[0]
    return row


def _untyped(name: str, value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, value.type.tensor_type.elem_type, None)


def _shown(port: Port) -> str:
    return str(["free" if axis == -1 else axis for axis in port.shape or ()]).replace("'", "")
