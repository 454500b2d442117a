"""A graph that no training made: four inputs of four types, five outputs, and requests for it."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from tests.app.factory import manifest_of, write_version

X = np.array([[0.5, 2.0], [0.25, -7.25]], np.float32)
COUNT = np.array([[2**53 + 1, -5], [0, 2**62]], np.int64)
FLAG = np.array([[True], [False]])
CITY = np.array([["Tübingen"], ["Oslo"]], object)
INPUTS = {"x": X, "count": COUNT, "flag": FLAG, "city": CITY}
DATATYPES = {
    "float32": "FP32",
    "int64": "INT64",
    "bool": "BOOL",
    "object": "BYTES",
    "float64": "FP64",
    "uint8": "UINT8",
}
KINDS = {"FP32": "<f4", "INT64": "<i8", "BOOL": "?", "FP64": "<f8"}
CITIES = ["Oslo", "Tübingen"]


def mixed_onnx() -> bytes:
    """Sum of x, negated count, inverted flag, the city's number, which must be known, and the city itself."""
    types = {"x": TensorProto.FLOAT, "count": TensorProto.INT64, "flag": TensorProto.BOOL, "city": TensorProto.STRING}
    widths = {"x": 2, "count": 2, "flag": 1, "city": 1}
    inputs = [helper.make_tensor_value_info(name, kind, ["N", widths[name]]) for name, kind in types.items()]
    results = {"total": "x", "negative": "count", "inverted": "flag", "number": "x", "echo": "city"}
    shapes = {name: ["N", 2 if name in ("negative", "number") else 1] for name in results}
    outputs = [helper.make_tensor_value_info(name, types[kind], shapes[name]) for name, kind in results.items()]
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [1])
    nodes = [
        helper.make_node("ReduceSum", ["x", "axis"], ["total"], keepdims=1),
        helper.make_node("Neg", ["count"], ["negative"]),
        helper.make_node("Not", ["flag"], ["inverted"]),
        helper.make_node("OneHotEncoder", ["city"], ["cube"], domain="ai.onnx.ml", cats_strings=CITIES, zeros=0),
        helper.make_node("Squeeze", ["cube", "axis"], ["number"]),
        helper.make_node("Identity", ["city"], ["echo"]),
    ]
    graph = helper.make_graph(nodes, "mixed", inputs, outputs, [axis])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


def expected() -> dict[str, NDArray[Any]]:
    """What the graph returns for ``INPUTS``, by numpy."""
    one_hot = np.array([[0, 1], [1, 0]], np.float32)
    total = X.sum(axis=1, keepdims=True)
    return {"total": total, "negative": -COUNT, "inverted": ~FLAG, "number": one_hot, "echo": CITY}


def tensors_manifest(name: str = "mixed", **changes: Any) -> dict[str, Any]:
    """The manifest of ``mixed_onnx``."""
    examples = {"x": [1.0, 1.0], "count": [1, 1], "flag": [True], "city": ["Oslo"]}
    widths = {"total": 1, "negative": 2, "inverted": 1, "number": 2, "echo": 1}
    types = {"total": "FP32", "negative": "INT64", "inverted": "BOOL", "number": "FP32", "echo": "BYTES"}
    entries = {
        "task": "tensors",
        "inputs": [
            {
                "name": key,
                "datatype": DATATYPES[rows.dtype.name],
                "shape": [-1, rows.shape[1]],
                "example": examples[key],
            }
            for key, rows in INPUTS.items()
        ],
        "outputs": [{"name": key, "datatype": types[key], "shape": [-1, width]} for key, width in widths.items()],
        "unit": "ONNX",
        "dims": [],
        "formula": None,
        "training": manifest_of(name, 1)["training"] | {"ranges": []},
    }
    return manifest_of(name, 1, **(entries | changes))


def write_mixed(root: Path, name: str = "mixed", **changes: Any) -> Path:
    return write_version(root, mixed_onnx(), tensors_manifest(name, **changes))


def tensor_of(name: str, rows: NDArray[Any], **changes: Any) -> dict[str, Any]:
    """An input in JSON."""
    datatype = DATATYPES[rows.dtype.name]
    members = {"name": name, "shape": list(rows.shape), "datatype": datatype, "data": rows.ravel().tolist()}
    return {key: value for key, value in (members | changes).items() if value is not None}


def body_of(inputs: dict[str, NDArray[Any]], **members: Any) -> bytes:
    return json.dumps({"inputs": [tensor_of(*item) for item in inputs.items()], **members}).encode()


def bytes_of(rows: NDArray[Any]) -> bytes:
    """Binary tensor data, by the protocol's text."""
    if rows.dtype != object:
        return rows.tobytes()
    return b"".join(struct.pack("<I", len(text.encode())) + text.encode() for text in rows.ravel().tolist())


def binary_of(inputs: dict[str, NDArray[Any]], **members: Any) -> tuple[bytes, str]:
    """A body whose tensors all follow the JSON in binary, and the length of the JSON."""
    contents = {name: bytes_of(rows) for name, rows in inputs.items()}
    entries = [
        tensor_of(name, rows, data=None, parameters={"binary_data_size": len(contents[name])})
        for name, rows in inputs.items()
    ]
    header = json.dumps({"inputs": entries, **members}).encode()
    return header + b"".join(contents.values()), str(len(header))


def outputs_of(content: bytes, header_length: str | None) -> dict[str, NDArray[Any]]:
    """The outputs of a response, in JSON or binary, by name."""
    length = len(content) if header_length is None else int(header_length)
    found, start = {}, length
    for output in json.loads(content[:length])["outputs"]:
        kind = KINDS.get(output["datatype"], object)
        if "data" in output:
            found[output["name"]] = np.array(output["data"], kind).reshape(output["shape"])
            continue
        end = start + output["parameters"]["binary_data_size"]
        found[output["name"]] = _read(content[start:end], kind).reshape(output["shape"])
        start = end
    assert start == len(content)
    return found


def _read(content: bytes, kind: Any) -> NDArray[Any]:
    if kind is not object:
        return np.frombuffer(content, kind)
    texts = []
    while content:
        (size,) = struct.unpack("<I", content[:4])
        texts.append(content[4 : 4 + size].decode())
        content = content[4 + size :]
    return np.array(texts, object)
