"""Encodes the labels of images as class indices or values."""

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.arrays import FloatArray
from training.data.tables.excerpt import excerpt
from training.data.tables.fields import is_missing
from training.data.tables.notation import Notation, find_notation, group_pattern
from training.errors import InputError

MOST_SHOWN = 4
"""Labels that a sentence lists."""

MAX_VALUE, MIN_SPREAD = 1e37, 1e-30
"""Largest size of a label and least spread of all that networks in float32 learn, with room for larger predictions."""


def problem_of_label(text: str, task: str) -> str | None:
    """Why a label is unusable for ``"regression"`` or ``"classification"``; None where it is usable."""
    if not text:
        return "has an empty label"
    if task == "regression" and not math.isfinite(_number(text)):
        return f"has the label '{excerpt(text)}', which is not a number"
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


def unicode_form(text: str) -> str:
    """The text in one Unicode form: what looks alike is one label."""
    return unicodedata.normalize("NFC", text)


def decimal_points(texts: Sequence[str], path: Path) -> tuple[list[str], list[str]]:
    """Values with decimal points, and a sentence where commas or marks between thousands were found instead.

    Raises:
        InputError: commas may be either.
    """
    if not any("," in text for text in texts):
        return list(texts), []
    notation = find_notation([texts], "\t", str(path))
    if notation.plain:
        return list(texts), []
    changed = [_plain_number(text, notation) for text in texts]
    return changed, [notation.note] if notation.note else []


def similar_labels(texts: Sequence[str], task: str) -> list[str]:
    """Sentences about classes that are probably one, or are probably missing values."""
    if task != "classification":
        return []
    alike: dict[object, set[str]] = defaultdict(set)
    for text in set(texts) - {""}:
        number = _number(text)
        alike[text.casefold() if math.isnan(number) else number].add(text)
    notes = [
        f"The labels {quoted(sorted(same))} are different classes; write them alike if they are one."
        for same in alike.values()
        if len(same) > 1
    ]
    missing = sorted(text for text in set(texts) if text and is_missing(text))
    if missing:
        are = "The label {} is a class" if len(missing) == 1 else "The labels {} are classes"
        notes.append(f"{are.format(quoted(missing))} here; leave the cell empty where a label is missing.")
    return notes


def quoted(names: Sequence[str]) -> str:
    """Such as ``'a', 'b' and 'c'``."""
    shown = [f"'{excerpt(name)}'" for name in names[:MOST_SHOWN]]
    shown += [f"{len(names) - MOST_SHOWN} more"] if len(names) > MOST_SHOWN else []
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _plain_number(text: str, notation: Notation) -> str:
    if notation.thousands and re.match(group_pattern(notation.thousands, notation.decimal), text):
        for mark in notation.thousands:
            text = text.replace(mark, "")
    return text.replace(notation.decimal, ".")


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
