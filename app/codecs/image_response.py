"""From a picture model's outputs to the answer of POST /predict/image."""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from app.codecs.tabular import NOT_FINITE
from models.manifest import Manifest

BEYOND = 0.05
"""How far outside the trained range of values an answer may lie before it is called beyond, as a share of that range.

Answers scatter around the right value, so at both ends of the range about half of them fall outside. Of 450 handwritten
digits that the model digit-value had not seen, 13 % were read as less than 0 or more than 9, 3 % as beyond that by more
than 2 % of the range, and none by more than 5 %.
"""


def encode_response(manifest: Manifest, outputs: NDArray[np.float64]) -> bytes:
    """The answer as JSON.

    Args:
        manifest: what computed.
        outputs: ``(pictures, outputs)``; what is not finite becomes null, with a warning. A value that lies outside
            the range of the values in training by more than ``BEYOND`` of its width has a warning too.
    """
    predictions = [_prediction(row, manifest) for row in outputs.tolist()]
    warnings = [
        {"file": file, "message": message}
        for file, prediction in enumerate(predictions)
        if (message := _warning(prediction, manifest)) is not None
    ]
    return to_json(
        {
            "model": manifest.name,
            "version": manifest.version,
            "task": manifest.task,
            "predictions": predictions,
            "warnings": warnings,
        }
    )


def _prediction(row: list[float], manifest: Manifest) -> dict[str, Any]:
    values = [value if isfinite(value) else None for value in row]
    if manifest.classes is None:
        return {"value": values[0]}
    label = manifest.classes[row.index(max(row))] if None not in values else None
    return {"label": label, "probabilities": dict(zip(manifest.classes, values, strict=True))}


def _warning(prediction: dict[str, Any], manifest: Manifest) -> str | None:
    if manifest.classes is not None:
        return NOT_FINITE if prediction["label"] is None else None
    value = prediction["value"]
    if value is None:
        return NOT_FINITE
    for lowest, highest in manifest.training.ranges[:1]:
        slack = BEYOND * (highest - lowest)
        if value < lowest - slack or value > highest + slack:
            return f"The value {value:g} lies beyond {lowest:g} to {highest:g}, the values in training."
    return None
