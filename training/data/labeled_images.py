"""Images of any sizes and their labels, as training and measuring take them."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.arrays import ByteArray, FloatArray

Images = Sequence[ByteArray]
"""``(channels, height, width)`` each, uint8, of any sizes."""


@dataclass(frozen=True)
class LabeledImages:
    """Images and their labels.

    Shape:
        images: ``(channels, height, width)`` each. labels: ``(n,)``: class indices, or values.
    """

    images: Images
    labels: FloatArray
