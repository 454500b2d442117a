"""What a program leaves: the ONNX file beside it, the options of the import, inputs, and the library's answers."""

import json
from pathlib import Path

import numpy as np

DATATYPES = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "bool": "BOOL", "uint8": "UINT8"}


def write_case(folder, *, route, options, inputs, answers, made_by):
    """Write ``case.json``.

    Args:
        folder: where ``model.onnx`` lies.
        route: ``"arithmetic"``, ``"image"`` or ``"v2"``.
        options: of the import.
        inputs: arrays by the input's name; for images, a list of arrays of pixels, ``(height, width, 3)``.
        answers: arrays by the output's name, as the library gives them.
        made_by: libraries and versions.
    """
    images = route == "image"
    case = {
        "route": route,
        "options": [str(option) for option in options],
        "inputs": [image.tolist() for image in inputs] if images else {k: tensor(v) for k, v in inputs.items()},
        "answers": {name: tensor(values) for name, values in answers.items()},
        "made_by": made_by,
    }
    (Path(folder) / "case.json").write_text(json.dumps(case), encoding="utf-8")


def tensor(values):
    """An array as the protocol has it in JSON."""
    values = np.asarray(values)
    datatype = DATATYPES.get(values.dtype.name, "BYTES")
    return {"datatype": datatype, "shape": list(values.shape), "data": values.ravel().tolist()}
