"""Hooks for Schemathesis: the models of the repository and the inputs of each.

Schemathesis makes a case from the schema alone; nine in ten would end at a model that is not there or takes another
number of columns. These hooks, which schemathesis.toml names, point most cases at a model of the repository, and fit
most of the rows and tensors of valid ones to it. What is wrong with a case that is to be refused stays wrong.
"""

import re
from itertools import cycle, islice
from math import prod
from pathlib import Path
from typing import Any
from zlib import crc32

import schemathesis
from schemathesis.generation import GenerationMode
from schemathesis.transport.serialization import Binary

from app.codecs.image_schemas import EXAMPLE_IMAGE
from app.codecs.tables.media_types import ARROW, CSV
from app.http.example_table import example_table
from models.manifest import NAME_PATTERN, Manifest, versions

REPOSITORY = Path(__file__).parents[1] / "repository"
HEADER_LENGTH = "Inference-Header-Content-Length"
MANIFESTS = {folder.name: Manifest.read(folder / str(versions(folder)[-1])) for folder in sorted(REPOSITORY.iterdir())}
FIT_IN = 5
"""One name and one body of this many stay as they were generated."""


@schemathesis.hook
def map_case(_: schemathesis.HookContext, case: schemathesis.Case) -> schemathesis.Case:
    """Name an existing model, and fit the inputs to it."""
    if case.media_type == "application/json" and case.meta.generation.mode == GenerationMode.POSITIVE:
        for name in ("model", "version") if case.path == "/predict/arithmetic" else ():
            case.query.pop(name, None)  # of a table
    place, key = _place_of_name(case)
    if place is None or not isinstance(place[key], str):
        return case
    draw = _draw(place[key], case.body)
    place[key] = _renamed(place[key], draw, list(MANIFESTS) if draw % 7 == 0 else _of_task(case.path))
    manifest = MANIFESTS.get(place[key])
    if manifest is not None and case.meta.generation.mode == GenerationMode.POSITIVE and draw // 100 % FIT_IN:
        _fit(case, manifest, draw)
    return case


@schemathesis.serializer(CSV)
def serialize_csv(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """CSV as it is."""
    return str(value).encode("utf-8", "replace")


@schemathesis.serializer(ARROW)
def serialize_arrow(_: schemathesis.SerializationContext, value: Any) -> bytes:
    """An Arrow stream, whose bytes are characters."""
    return value.data if isinstance(value, Binary) else str(value).encode("latin-1", "replace")


@schemathesis.hook.apply_to(path="/predict/image")
def map_body(_: schemathesis.HookContext, body: Any) -> Any:
    """The same for a form: a case with files that is changed later counts as one that is to be refused."""
    form = getattr(body, "body", body)
    if isinstance(form, dict) and isinstance(form.get("model"), str):
        form["model"] = _renamed(form["model"], _draw(form), _of_task("/predict/image"))
    return body


@schemathesis.hook.apply_to(path="/predict/image")
def filter_body(_: schemathesis.HookContext, body: Any) -> bool:
    """Leave out cases that become valid when sent: an empty list of versions is no field at all in a form."""
    form = getattr(body, "body", body)
    return not (isinstance(form, dict) and form.get("version") == [])


def _place_of_name(case: schemathesis.Case) -> tuple[Any, str]:
    body = case.body if case.media_type == "application/json" else None
    query = case.query if case.media_type in (CSV, ARROW) else None
    for place, key in (
        (case.path_parameters, "model"),
        (case.path_parameters, "name"),
        (body, "model"),
        (query, "model"),
    ):
        if isinstance(place, dict) and key in place:
            return place, key
    return None, ""


def _draw(*made: object) -> int:
    """A number that looks random, and is the same for the same case."""
    return crc32(repr(made).encode("utf-8", "replace"))


def _renamed(name: str, draw: int, names: list[str]) -> str:
    """One of the names, for most that may be one."""
    if re.fullmatch(NAME_PATTERN, name) and draw % FIT_IN:
        return names[draw // FIT_IN % len(names)]
    return name


def _of_task(path: str) -> list[str]:
    """The models that an operation is for."""
    wanted = {"/predict/arithmetic": True, "/predict/image": False}.get(path)
    return [name for name, manifest in MANIFESTS.items() if wanted in (None, manifest.image is None)]


def _fit(case: schemathesis.Case, manifest: Manifest, draw: int) -> None:
    if case.path == "/predict/image" and case.media_type == "application/json" and manifest.image is not None:
        case.body["images"] = [EXAMPLE_IMAGE] * (1 + draw % 3)
    elif case.media_type == CSV:
        case.body = _table(manifest, draw)
    elif case.media_type == ARROW:
        case.body = example_table().decode("latin-1")  # what is no text counts as invalid
    elif case.path == "/predict/arithmetic" and manifest.image is None:
        case.body["inputs"] = [_fitted(row, manifest.inputs[0].shape[1]) for row in case.body["inputs"]]
    elif case.path.endswith("/infer"):
        expected = manifest.inputs[0]
        shape = [1 + draw % 3, *(size if size > 0 else 1 + draw % 5 for size in expected.shape[1:])]
        if case.media_type == "application/json":
            if manifest.image is not None and draw % 2:
                case.body["inputs"][0] |= {"datatype": "BYTES", "shape": [shape[0]], "data": [EXAMPLE_IMAGE] * shape[0]}
            else:
                _fit_tensor(case.body["inputs"][0], expected.name, expected.datatype, shape)
            del case.body["inputs"][1:], case.body.get("outputs", [])[1:]  # these models have one of each
            for output in case.body.get("outputs", ()):
                output["name"] = manifest.outputs[0].name
            case.headers.pop(HEADER_LENGTH, None)
        elif manifest.image is None:
            case.body = bytes(draw % 64 for _ in range(8 * shape[1]))
            case.headers[HEADER_LENGTH] = "0"


def _table(manifest: Manifest, draw: int) -> str:
    """CSV for a model of numbers: its columns in another order, one more, and some rows."""
    names = [*manifest.columns[::-1], "note"]
    lines = [",".join(names), *(",".join([str(draw % (7 + row))] * len(names)) for row in range(1 + draw % 5))]
    return "\n".join(lines)


def _fit_tensor(tensor: dict[str, Any], name: str, datatype: str, shape: list[int]) -> None:
    numbers = [number for number in tensor["data"] if isinstance(number, int | float)] or [0.5]
    if datatype == "UINT8":
        numbers = [int(number) % 256 for number in numbers]
    tensor |= {"name": name, "datatype": datatype, "shape": shape, "data": _fitted(numbers, prod(shape))}


def _fitted(numbers: list[Any], length: int) -> list[Any]:
    return list(islice(cycle(numbers), length))
