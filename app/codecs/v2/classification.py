"""The classification extension: the top values of an output, each with its index and, where there is one, its label.

An element is ``value:index`` or ``value:index:label``. Triton prints six decimals; here the value is its shortest
round-trip representation.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.manifest import Manifest


def classify(prediction: NDArray[Any], count: int, manifest: Manifest) -> NDArray[Any]:
    """The top values of each row, in descending order with NaN last; ties keep their order.

    Args:
        prediction: ``(rows, width)``.
        count: values to return; all where the row has fewer.
        manifest: provides the labels.

    Returns:
        Strings, ``(rows, min(count, width))``.
    """
    numbers = prediction if prediction.dtype.kind == "f" else prediction.astype(np.float64)
    order = np.argsort(-numbers, axis=1, kind="stable")[:, :count]
    width = prediction.shape[1]
    labels = [f":{label}" for label in manifest.classes or ()] if len(manifest.classes or ()) == width else [""] * width
    texts = [
        [f"{row[index]}:{index}{labels[index]}" for index in indices]
        for row, indices in zip(prediction, order, strict=True)
    ]
    return np.array(texts, dtype=object)
