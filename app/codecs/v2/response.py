"""A prediction to the bytes of an answer.

JSON has no NaN and no infinity. What is not finite is therefore ``null`` in JSON, as it is under /predict, and the
output's parameter ``not_finite`` says so: a row never fails its neighbours, and nothing is silent. Bytes carry the IEEE
values as they are.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from app.codecs.v2.classification import BYTES, classify, element
from app.codecs.v2.request import Inference
from app.codecs.v2.tensors import NUMBER_TYPES, all_finite
from models.manifest import Manifest


def encode(prediction: NDArray[Any], asked: Inference, manifest: Manifest) -> tuple[bytes, int | None]:
    """The body of the answer, and the length of its JSON if bytes follow it."""
    promised = manifest.outputs[0]
    datatype = BYTES if asked.classes else promised.datatype
    values = classify(prediction, asked.classes, manifest) if asked.classes else prediction
    output: dict[str, Any] = {"name": promised.name, "datatype": datatype, "shape": list(values.shape)}
    if not asked.binary:
        if not asked.classes:
            output |= _warning(prediction)
        output["data"] = values.ravel().tolist()
        return _header(output, asked, manifest), None
    content = _bytes(values, datatype)
    output["parameters"] = {"binary_data_size": len(content)}
    header = _header(output, asked, manifest)
    return header + content, len(header)


def _header(output: dict[str, Any], asked: Inference, manifest: Manifest) -> bytes:
    answer: dict[str, Any] = {"model_name": manifest.name, "model_version": str(manifest.version)}
    if asked.id is not None:
        answer["id"] = asked.id
    answer["outputs"] = [output]
    return to_json(answer, inf_nan_mode="null")


def _bytes(values: NDArray[Any], datatype: str) -> bytes:
    if datatype == BYTES:
        return b"".join(element(text) for text in values.ravel().tolist())
    return values.astype(NUMBER_TYPES[datatype], copy=False).tobytes()


def _warning(prediction: NDArray[Any]) -> dict[str, Any]:
    if all_finite(prediction):
        return {}
    finite = np.isfinite(prediction).all(axis=1)
    first, count = int(finite.argmin()), int((~finite).sum())
    return {
        "parameters": {
            "not_finite": f"{count} of {len(finite)} rows are not finite, the first is row {first}: a division by zero "
            "or an overflow. JSON has only null for it; ask for binary_data to get the value."
        }
    }
