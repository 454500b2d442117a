"""Which pictures are trained on, which choose the epoch, and which only measure."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from training.data.image_files import pick
from training.data.image_folder import LabelledPictures
from training.data.labels import Numbers
from training.errors import InputError
from training.vision.config import Examples

MIN_PICTURES = 10
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.15
"""Of the pictures that the test leaves."""
MIN_VALIDATION = 10
"""With fewer pictures than this to choose by, chance would choose; the last epoch's weights are the better choice."""

Index = NDArray[np.int64]


@dataclass(frozen=True)
class PictureParts:
    """Pictures to train on, pictures that choose the epoch, and pictures that nothing is chosen by: alike, and beyond.

    The first two are as training sees them, the others as the service hands them to the graph.
    """

    train: Examples
    validation: Examples | None
    test: Examples
    beyond: Examples | None
    notes: list[str]


def split_pictures(
    data: LabelledPictures, seed: int, path: Path, *, validated: bool = True, up_to: float = math.inf
) -> PictureParts:
    """Hold out a fifth to test on and, where there are enough, 15 % of the rest to choose the epoch by.

    Every class is in the parts as it is in the whole, and at least once in the first and the last.

    Args:
        data: all pictures.
        seed: decides which go where.
        path: the file that names them, for messages.
        validated: whether there is to be a validation part at all.
        up_to: pictures with a larger value are not trained on; they show how far the model holds.

    Raises:
        InputError: fewer than 10 pictures, or one value in all that would be trained on; none is above ``up_to``.
    """
    inside, beyond = np.flatnonzero(data.labels <= up_to), np.flatnonzero(data.labels > up_to)
    if math.isfinite(up_to) and not len(beyond):
        raise InputError(
            f"--train-up-to {up_to:g}: no label of {path} is above it, the largest is {data.labels.max():g}, so "
            f"nothing would show how far the model holds; choose less, or leave it out."
        )
    count, classes = len(inside), len(data.classes or ())
    if count < MIN_PICTURES:
        where = f" with values up to {up_to:g}" if math.isfinite(up_to) else ""
        raise InputError(
            f"{path} names {count} usable pictures{where}; training and checking need at least {MIN_PICTURES}, "
            f"so add some."
        )
    held_out = max(round(count * TEST_SHARE), classes)
    stratify = data.labels if classes else None
    rest, test = train_test_split(inside, test_size=held_out, random_state=seed, stratify=stratify)
    train, validation = rest, rest[:0]
    if validated:
        train, validation = _validated(rest, data.labels[rest], seed, by_class=bool(classes))
    if np.ptp(data.labels[train]) == 0:
        raise InputError(
            f"{path}: the pictures to train on all have the label {data.labels[train[0]]:g}; add more that vary."
        )
    said = f"{len(train):,} pictures to train on, {len(validation):,} to choose the epoch by, {len(test):,} held out"
    said += f", {len(beyond):,} with values beyond {up_to:g}." if len(beyond) else "."
    return PictureParts(
        Examples(pick(data.pictures, train), data.labels[train]),
        Examples(pick(data.pictures, validation), data.labels[validation]) if len(validation) else None,
        Examples(pick(data.served, test), data.labels[test]),
        Examples(pick(data.served, beyond), data.labels[beyond]) if len(beyond) else None,
        [said],
    )


def _validated(rest: Index, labels: Numbers, seed: int, *, by_class: bool) -> tuple[Index, Index]:
    """The rest in two: to train on, and to validate on; the latter is empty where it would be too small."""
    order = np.random.default_rng(seed).permutation(len(rest))
    groups = [order[labels[order] == label] for label in np.unique(labels)] if by_class else [order]
    chosen = np.concatenate([group[: round(len(group) * VALIDATION_SHARE)] for group in groups])
    if len(chosen) < MIN_VALIDATION:
        chosen = chosen[:0]
    return np.delete(rest, chosen), rest[np.sort(chosen)]
