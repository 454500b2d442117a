"""The classification extension: an output as its highest values, each with its index and, if it has one, its label.

An element is ``value:index`` or ``value:index:label``. Triton writes the value with six decimals; here it is the
shortest number that is read back as the same value.
"""

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.manifest import Manifest

BYTES = "BYTES"
"""The protocol's datatype of strings."""


def classify(prediction: NDArray[Any], count: int, manifest: Manifest) -> NDArray[Any]:
    """The highest values of each row, highest first and NaN last; equal values keep their order.

    Args:
        prediction: ``(rows, width)``.
        count: how many; all of them if there are fewer.
        manifest: has the labels.

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


def element(text: str) -> bytes:
    """A string as BYTES holds it: four bytes of its length, little-endian, then UTF-8."""
    content = text.encode()
    return struct.pack("<I", len(content)) + content
