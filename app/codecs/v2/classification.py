"""The classification extension: the top values of an output, each with its index and, where there is one, its label.

An element is ``value:index`` or ``value:index:label``. Triton prints six decimals; here the value is its shortest
round-trip representation.
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.manifest import Manifest

BYTES = "BYTES"
"""The protocol's datatype of strings."""


def classify(prediction: NDArray[Any], count: int, manifest: Manifest) -> NDArray[Any]:
    """The top values of each row, in descending order with NaN last; ties keep their order.

    Args:
        prediction: ``(rows, width)``.
        count: values to return; all where the row has fewer.
        manifest: provides the labels.

    Returns:
        Strings, ``(rows, min(count, width))``.
    """
    order = np.argsort(-prediction, axis=1, kind="stable")[:, :count]
    labels = [f":{label}" for label in manifest.classes] if manifest.classes else [""] * prediction.shape[1]
    texts = [
        [f"{row[index]}:{index}{labels[index]}" for index in indices]
        for row, indices in zip(prediction, order, strict=True)
    ]
    return np.array(texts, dtype=object)


def bytes_element(text: str) -> bytes:
    """A string as BYTES encodes it: its length in four bytes, little-endian, then UTF-8."""
    content = text.encode()
    return struct.pack("<I", len(content)) + content
