"""Makes a graph from numbers to numbers take one table of FP64 and return one, as /predict/arithmetic does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from training.data.tables.excerpt import excerpt, listed
from training.errors import InputError
from training.onnx_import.batch import BATCH
from training.onnx_import.signature import Port
from training.onnx_import.surround import AROUND, FLOATS, Surroundings, inner, opset_of, surround


@dataclass(frozen=True)
class Table:
    """A graph from a table to a table.

    Args:
        model: from ``(rows, columns)`` to ``(rows, targets)``, both FP64.
        columns: names of the input's.
        targets: names of the output's.
        source: name of the input.
        result: name of the output.
    """

    model: onnx.ModelProto
    columns: list[str]
    targets: list[str]
    source: str
    result: str


def make_table(
    model: onnx.ModelProto,
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    results: Sequence[NDArray[Any]],
    *,
    columns: Sequence[str] | None,
    targets: Sequence[str] | None,
    classes: Sequence[str],
    path: Path,
) -> Table:
    """The graph as one from a table to a table: inputs are its columns in their order, and outputs too.

    Args:
        model: the graph, whose batch is free.
        inputs: of the graph.
        outputs: of the graph.
        results: of a trial, for their shapes.
        columns: names of the input columns; None: the inputs' own.
        targets: names of the output columns; None: the outputs' own.
        classes: labels of an output that is as wide.
        path: of the model, for messages.

    Raises:
        InputError: it takes or returns something else, or another number of columns.
    """
    widths = [_width(port, path) for port in inputs]
    names = _columns(columns, inputs, widths, path)
    widths = [len(names)] if widths == [-1] else widths
    result_widths = [_result_width(port, result.shape, path) for port, result in zip(outputs, results, strict=True)]
    target_names = _targets(targets, outputs, result_widths, classes, path)
    source, result = _name(inputs, "input"), _name(outputs, "output")
    around = Surroundings(
        [helper.make_tensor_value_info(source, TensorProto.DOUBLE, [BATCH, len(names)])],
        [helper.make_tensor_value_info(result, TensorProto.DOUBLE, [BATCH, len(target_names)])],
    )
    opset_of(model)
    _take_columns(around, source, inputs, widths)
    _return_columns(around, result, outputs)
    return Table(surround(model, around), names, target_names, source, result)


def _name(ports: Sequence[Port], joint: str) -> str:
    return ports[0].name if len(ports) == 1 else joint


def _width(port: Port, path: Path) -> int:
    """Columns of an input; -1 where the graph leaves it free."""
    shape = port.shape or ()
    if port.datatype not in FLOATS or len(shape) not in (1, 2):
        raise InputError(
            f"{path}: input '{excerpt(port.name)}' is {port.datatype} of shape {list(shape)}, and a table has floats "
            "of shape [-1, columns]; leave out --columns and --data, and it is served under /v2 as it is."
        )
    return shape[1] if len(shape) == 2 else 1


def _columns(columns: Sequence[str] | None, inputs: Sequence[Port], widths: list[int], path: Path) -> list[str]:
    if columns is None:
        if widths != [1] * len(inputs):
            raise InputError(f"{path} takes {_counted(sum(widths))} without names; name them with --columns.")
        return [port.name for port in inputs]
    known = -1 not in widths
    if (known and len(columns) != sum(widths)) or (not known and len(inputs) > 1):
        raise InputError(
            f"--columns names {len(columns)} ({listed(columns)}), and {path} takes {_counted(sum(widths))}."
        )
    if len(set(columns)) < len(columns):
        raise InputError(f"--columns names '{max(columns, key=list(columns).count)}' twice; name each column once.")
    return list(columns)


def _result_width(port: Port, shape: tuple[int, ...], path: Path) -> int:
    if port.datatype == "BYTES" or len(shape) not in (1, 2):
        raise InputError(
            f"{path}: output '{excerpt(port.name)}' is {port.datatype} of shape {[-1, *shape[1:]]}, and a table has "
            "numbers of shape [-1, columns]; name others with --outputs, or leave out --columns and --data."
        )
    return shape[1] if len(shape) == 2 else 1


def _targets(
    targets: Sequence[str] | None, outputs: Sequence[Port], widths: list[int], classes: Sequence[str], path: Path
) -> list[str]:
    own = []
    for port, width in zip(outputs, widths, strict=True):
        labels = classes if len(classes) == width else [str(place) for place in range(width)]
        own += [port.name] if width == 1 else [f"{port.name}_{label}" for label in labels]
    if targets is None:
        return own
    if len(targets) != len(own):
        raise InputError(
            f"--target names {len(targets)} ({listed(targets)}), and {path} returns {_counted(len(own))} "
            f"({listed(own)}); name as many."
        )
    return list(targets)


def _counted(width: int) -> str:
    return f"{width} column{'s' * (width != 1)}" if width > 0 else "columns of any number"


def _take_columns(around: Surroundings, source: str, inputs: Sequence[Port], widths: Sequence[int]) -> None:
    start = 0
    for port, width in zip(inputs, widths, strict=True):
        part, flat = source, len(port.shape or ()) == 1
        if len(inputs) > 1 or flat:
            places = start if flat else range(start, start + width)
            part = around.node("Gather", source, around.constant(f"{AROUND}{port.name}/places", places, "<i8"), axis=1)
        around.before.append(helper.make_node("Cast", [part], [inner(port.name)], to=FLOATS[port.datatype]))
        start += width


def _return_columns(around: Surroundings, result: str, outputs: Sequence[Port]) -> None:
    parts = []
    for port in outputs:
        number, column = f"{AROUND}{port.name}/number", f"{AROUND}{port.name}/column"
        around.behind.append(helper.make_node("Cast", [inner(port.name)], [number], to=TensorProto.DOUBLE))
        # a row of a single axis becomes a column, and a table stays one
        around.behind.append(helper.make_node("Flatten", [number], [column], axis=1))
        parts.append(column)
    around.behind.append(helper.make_node("Concat", parts, [result], axis=1))
