"""Encodes the labels of images as class indices or values."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.arrays import FloatArray
from training.errors import InputError

MAX_VALUE, MIN_SPREAD = 1e37, 1e-30
"""Largest size of a label and least spread of all that networks in float32 learn, with room for larger predictions."""


def problem_of_label(text: str, task: str) -> str | None:
    """Why a label is unusable for ``"regression"`` or ``"classification"``; None where it is usable."""
    if not text:
        return "has an empty label"
    if task == "regression" and not math.isfinite(_number(text)):
        return f"has the label '{text[:40]}', which is not a number"
    if task == "regression" and abs(_number(text)) > MAX_VALUE:
        return (
            f"has the label {_number(text):g}, and networks compute in float32, up to {MAX_VALUE:g}: scale the labels"
        )
    return None


def encode_labels(texts: Sequence[str], task: str, path: Path) -> tuple[FloatArray, list[str] | None]:
    """Labels as numbers, and the class names for classification.

    Args:
        texts: usable labels, at least one.
        task: ``"classification"``: the numbers are indices into the class names; ``"regression"``: they are values.
        path: the file that the labels are from, for messages.

    Raises:
        InputError: fewer than two classes, a class with a single image, or values that are all, or nearly, the same.
    """
    if task == "classification":
        return _encode_classes(texts, path)
    values = np.array([_number(text) for text in texts])
    if np.ptp(values) == 0:
        raise InputError(f"{path}: the label is {values[0]:g} in every row, so there is nothing to learn; vary it.")
    if np.ptp(values) < MIN_SPREAD:
        raise InputError(
            f"{path}: the labels differ by {np.ptp(values):g} at most, which is too little for networks in float32; "
            f"scale them nearer to 1."
        )
    return values, None


def _encode_classes(texts: Sequence[str], path: Path) -> tuple[FloatArray, list[str]]:
    counts = Counter(texts)
    classes = sorted(counts)
    if len(classes) < 2:
        raise InputError(f"{path}: every row has the label '{classes[0]}'; classification needs at least two labels.")
    single = next((name for name in classes if counts[name] < 2), None)
    if single is not None:
        raise InputError(
            f"{path}: the label '{single}' has a single image; classification needs at least two images a label. "
            f"For numbers use --task regression."
        )
    index = {name: i for i, name in enumerate(classes)}
    return np.array([index[text] for text in texts], dtype=np.float64), classes


def _number(text: str) -> float:
    try:
        return float(text.replace("_", "?"))  # as in tables
    except ValueError:
        return math.nan
