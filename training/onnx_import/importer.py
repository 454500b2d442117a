"""Imports an ONNX file: a version folder with the graph, as it is served, and its manifest."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from models.manifest import MANIFEST_FILE, ONNX_FILE, Tensor
from training.data.tables.excerpt import excerpt
from training.errors import InputError, output_errors
from training.export.version_folder import publish, staging
from training.onnx_import.batch import with_free_batch
from training.onnx_import.images import ImageOptions, check_probabilities, make_image_graph
from training.onnx_import.read import read_graph
from training.onnx_import.session import first_sentence, open_session
from training.onnx_import.signature import Port, inputs_of, open_zip_maps, outputs_of, select_outputs
from training.onnx_import.table import make_table
from training.onnx_import.trial import Trial

UNIT = "ONNX"
"""The unit of an imported model, in its manifest."""
MAX_EXAMPLE = 4096
"""Most values of an example that the manifest keeps, unless the service needs it to know a free size."""


@dataclass(frozen=True)
class ImportPlan:
    """What to make of an ONNX file.

    Args:
        path: the file.
        name: of the model.
        version: of a folder without a manifest, to be completed; None adds the next one.
        outputs: to serve; None: all.
        table: whether it is a table of numbers.
        columns: of the table; None: the graph's.
        targets: output columns of the table; None: the graph's.
        ranges: lowest and highest value of each column in training; empty: unknown.
        rows: of the training data; 0: unknown.
        classes: of a classifier; None: those that the graph names, if any.
        image: for images; None: it takes none.
        command: that imports it.
    """

    path: Path
    name: str
    version: int | None = None
    outputs: Sequence[str] | None = None
    table: bool = False
    columns: Sequence[str] | None = None
    targets: Sequence[str] | None = None
    ranges: Sequence[tuple[float, float]] = ()
    rows: int = 0
    classes: Sequence[str] | None = None
    image: ImageOptions | None = None
    command: str = ""


@dataclass(frozen=True)
class SourceGraph:
    """A graph that was read and tried, and what to make of it.

    Args:
        plan: what to make.
        model: the graph, its batch free.
        inputs: of it.
        outputs: that are to be served.
        trial: a run of it.
        labels: of its classes, if any.
    """

    plan: ImportPlan
    model: onnx.ModelProto
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    trial: Trial
    labels: Sequence[str] | None


Built = tuple[onnx.ModelProto, dict[str, Any]]
"""The graph that is served, and fields of its manifest."""


def import_model(plan: ImportPlan, repository: Path) -> Path:
    """Write the version folder of an ONNX file, and return it.

    Raises:
        InputError: the file cannot be served so, with the reason and the repair; nothing is written.
        OSError: the file cannot be read, or the repository not be written to.
    """
    _check_version(plan, repository)
    model = read_graph(plan.path)
    own_labels = open_zip_maps(model)
    labels = plan.classes or own_labels or None
    select_outputs(model, plan.outputs, plan.path)
    open_session(model, str(plan.path))
    inputs, outputs = inputs_of(model, plan.path), outputs_of(model, plan.path)
    model, trial = with_free_batch(model, inputs, plan.path)
    build = _image_model if plan.image else _table_model if plan.table else _tensor_model
    model, fields = build(SourceGraph(plan, model, inputs, outputs, trial, labels))
    fields |= _provenance(plan, model)
    with output_errors(repository / plan.name), staging(repository) as folder:
        (folder / ONNX_FILE).write_bytes(model.SerializeToString())
        return publish(folder, repository, plan.name, fields, version=plan.version)


def _check_version(plan: ImportPlan, repository: Path) -> None:
    folder = repository / plan.name / str(plan.version)
    if plan.version is not None and (folder / MANIFEST_FILE).exists():
        raise InputError(f"{folder} is a model already; leave out --version, and the next one is written.")


def _tensor_model(source: SourceGraph) -> Built:
    plan, inputs, labels = source.plan, source.inputs, source.labels
    free = any(-1 in (port.shape or ())[1:] for port in inputs)
    shapes = [_shape(port, result, free) for port, result in zip(source.outputs, source.trial.outputs, strict=True)]
    if plan.classes and not any(len(shape) == 2 and shape[1] == len(plan.classes) for shape in shapes):
        raise InputError(
            f"{plan.path} has no output for {len(plan.classes)} classes, as --classes names; its outputs have shapes "
            f"{', '.join(map(str, shapes))}."
        )
    return source.model, {
        "task": "tensors",
        "inputs": [
            Tensor(
                name=port.name, datatype=port.datatype, shape=[-1, *(port.shape or ())[1:]], example=_example(row, free)
            )
            for port, row in zip(inputs, source.trial.example, strict=True)
        ],
        "outputs": [
            Tensor(name=port.name, datatype=port.datatype, shape=shape)
            for port, shape in zip(source.outputs, shapes, strict=True)
        ],
        "classes": list(labels) if labels else None,
        "image": None,
    }


def _shape(port: Port, result: NDArray[Any], free: bool) -> list[int]:
    """The shape of an output: that of the trial, where no input has a free size which it may depend on."""
    if not free:
        return [-1, *result.shape[1:]]
    declared = port.shape if port.shape and len(port.shape) == result.ndim else [-1] * result.ndim
    return [-1, *declared[1:]]


def _example(row: NDArray[Any], free: bool) -> Any:
    return row.tolist() if free or row.size <= MAX_EXAMPLE else None


def _table_model(source: SourceGraph) -> Built:
    plan = source.plan
    table = make_table(
        source.model,
        source.inputs,
        source.outputs,
        source.trial.outputs,
        columns=plan.columns,
        targets=plan.targets,
        classes=source.labels or (),
        path=plan.path,
    )
    width = len(table.columns)
    rows = np.ones((2, width))
    found = _run(table.model, plan.path, {table.source: rows}, f"takes no table of {width} columns")
    if found.shape != (2, len(table.targets)):
        raise InputError(f"{plan.path} returns {list(found.shape)} for 2 rows; name columns as many as it takes.")
    shapes = [-1, width], [-1, len(table.targets)]
    return table.model, {
        "task": "arithmetic",
        "inputs": [Tensor(name=table.source, datatype="FP64", shape=shapes[0], columns=table.columns)],
        "outputs": [Tensor(name=table.result, datatype="FP64", shape=shapes[1], columns=table.targets)],
        "classes": None,
        "image": None,
    }


def _image_model(source: SourceGraph) -> Built:
    plan, labels, example = source.plan, source.labels, source.trial.outputs[0]
    assert plan.image is not None
    image = make_image_graph(source.model, source.inputs, source.outputs, plan.image, plan.path)
    channels = 1 if image.mode == "L" else 3
    pixels = np.random.default_rng(0).integers(0, 256, (2, channels, 37, 53), dtype=np.uint8)
    found = _run(image.model, plan.path, {image.source: pixels}, "cannot be run on images")
    if found.shape != (2, len(labels) if labels else 1):
        width = found.shape[1]
        repair = f"--classes names {len(labels)}" if labels else "name the classes with --classes"
        raise InputError(f"{plan.path} returns {width} value{'s' * (width != 1)} for an image; {repair}.")
    if labels:
        if plan.image.softmax:
            check_probabilities(example.reshape(len(example), -1), plan.path, logits=True)
        check_probabilities(found, plan.path)
    return image.model, {
        "task": "image-classification" if labels else "image-regression",
        "inputs": [Tensor(name=image.source, datatype="UINT8", shape=[-1, channels, -1, -1])],
        "outputs": [
            Tensor(name=image.result, datatype="FP32", shape=[-1, found.shape[1]], columns=labels or ["value"])
        ],
        "classes": list(labels) if labels else None,
        "image": {"mode": image.mode, "height": image.height, "width": image.width, "resize": True},
    }


def _run(model: onnx.ModelProto, path: Path, feed: dict[str, NDArray[Any]], what: str) -> NDArray[Any]:
    try:
        return np.asarray(open_session(model, str(path)).run(None, feed)[0])
    except InputError:
        raise
    except Exception as error:  # ONNX Runtime's own exceptions share no base but this
        raise InputError(f"{path} {what}: {first_sentence(str(error))}.") from error


def _provenance(plan: ImportPlan, model: onnx.ModelProto) -> dict[str, Any]:
    made = excerpt(f"{model.producer_name} {model.producer_version}".strip())
    origin = f"imported from {plan.path.name}" + (f", made by {made}" if made else "")
    names = ("nalu-serve", "numpy", "onnx")
    return {
        "summary": origin,
        "unit": UNIT,
        "dims": [],
        "formula": None,
        "training": {
            "ranges": list(plan.ranges),
            "rows": plan.rows,
            "seed": 0,
            "command": plan.command,
            "packages": {"python": platform.python_version(), **{name: installed_version(name) for name in names}},
            "data": origin,
        },
        "metrics": {},
    }
