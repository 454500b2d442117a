"""The ``import`` command."""

import json
import math
import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.manifest import Manifest, Tensor
from training.cli.report import print_next_steps
from training.cli.table_options import table_format
from training.cli.validators import check_folders, check_name, name_from_file
from training.data.tables.excerpt import excerpt
from training.errors import InputError
from training.onnx_import.images import CHANNELS, ImageOptions
from training.onnx_import.importer import ImportPlan, import_model

MAX_SHOWN_BODY = 2000
"""Most characters of an example request that is printed."""
IMAGE_OPTIONS = ("image_size", "layout", "mean", "std", "softmax")


def run_import(options: Namespace) -> None:
    """Write a version folder from an ONNX file."""
    name = name_from_file(options.model) if options.name is None else check_name(options.name)
    image, columns = _image(options), _columns(options.columns)
    if image and (columns or options.data or options.target):
        raise InputError("--channels is for images, and --columns, --target and --data for a table; give one of them.")
    ranges, rows = _ranges(options, columns)
    plan = ImportPlan(
        path=options.model,
        name=name,
        version=options.version,
        outputs=options.outputs,
        table=bool(columns or options.data or options.target),
        columns=columns,
        targets=_columns(options.target),
        ranges=ranges,
        rows=rows,
        classes=None if options.classes is None else _classes(options.classes),
        image=image,
        command=options.command_line,
    )
    check_folders(options.repository)
    folder = import_model(plan, options.repository)
    _print(Manifest.read(folder), folder, options)


def _columns(names: Sequence[str] | None) -> list[str] | None:
    """Names as given, or the parts of a single one that commas separate."""
    if names is None:
        return None
    return [part.strip() for part in names[0].split(",")] if len(names) == 1 else list(names)


def _ranges(options: Namespace, columns: Sequence[str] | None) -> tuple[list[tuple[float, float]], int]:
    if options.data is None:
        return [], 0
    if columns is None:
        raise InputError(f"--data gives the ranges of columns; name those that {options.model} takes with --columns.")
    from training.data.table import read_ranges  # it needs pyarrow, which the rest of the command does not

    ranges, rows, notes = read_ranges(
        options.data, columns, drop_incomplete=options.drop_incomplete, table_format=table_format(options)
    )
    for note in notes:
        print(note)
    return ranges, rows


def _image(options: Namespace) -> ImageOptions | None:
    if options.channels is None:
        given = next((name for name in IMAGE_OPTIONS if getattr(options, name)), None)
        if given:
            raise InputError(f"--{given.replace('_', '-')} is for images; say with --channels what the graph takes.")
        return None
    return ImageOptions(
        channels=options.channels,
        size=options.image_size,
        layout=options.layout,
        scale=options.scale,
        mean=_by_channel("--mean", options.mean or [0.0], options.channels),
        std=_by_channel("--std", options.std or [1.0], options.channels),
        softmax=options.softmax,
    )


def _by_channel(option: str, values: Sequence[float], channels: str) -> list[float]:
    if len(values) not in (1, CHANNELS[channels]) or not all(map(math.isfinite, values)):
        shown = " ".join(f"{value:g}" for value in values)
        raise InputError(f"{option} is {shown}; give one number, or one for each channel of {channels}.")
    return list(values)


def _classes(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text in UTF-8; write the classes so, one a line.") from error
    classes = [line.strip() for line in lines]
    while classes and not classes[-1]:
        classes.pop()
    twice = next((name for name in classes if classes.count(name) > 1), None)
    if twice is not None:
        shown = f"'{excerpt(twice)}'" if twice else "an empty line"
        raise InputError(f"{path} names {shown} twice; write each class once, one a line, in the model's order.")
    if len(classes) < 2 or "" in classes:
        what = "an empty line" if "" in classes else f"{len(classes)} classes"
        raise InputError(f"{path} has {what}; write two classes or more, one a line.")
    return classes


def _print(manifest: Manifest, folder: Path, options: Namespace) -> None:
    for what, tensors in (("takes", manifest.inputs), ("returns", manifest.outputs)):
        for tensor in tensors:
            columns = f"  {', '.join(tensor.columns)}" if tensor.columns else ""
            print(f"{what:<8} {tensor.name}: {tensor.datatype} {tensor.shape}{columns}")
    if manifest.task == "arithmetic" and not manifest.training.ranges:
        print("Without --data, its training range is unknown, so that no row is marked as extrapolated.")
    if manifest.task != "tensors":
        example: Any = Path("image.png") if manifest.image else [[1.0] * len(manifest.columns)]
        print_next_steps(folder, options.repository, manifest.name, example)
        return
    print(f"written  {folder}")
    print(f"serve    python -m app --repository {shlex.quote(str(options.repository))}")
    if all(tensor.example is not None for tensor in manifest.inputs):
        body = shlex.quote(json.dumps({"inputs": [_request_input(tensor) for tensor in manifest.inputs]}))
        if len(body) <= MAX_SHOWN_BODY:
            print(f"predict  curl localhost:8000/v2/models/{manifest.name}/infer -d {body}")


def _request_input(tensor: Tensor) -> dict[str, Any]:
    shape = [1, *_shape(tensor.example)]
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": shape, "data": [tensor.example]}


def _shape(example: Any) -> list[int]:
    return [len(example), *_shape(example[0])] if isinstance(example, list) and example else []
