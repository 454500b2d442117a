"""Which images are trained on, which choose the epoch, and which only measure."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from models.arrays import FloatArray, IntArray
from training.data.image_files import pick
from training.data.image_folder import ImageDataset
from training.data.labeled_images import LabeledImages
from training.errors import InputError

MIN_IMAGES = 10
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.15
"""Of the images that the test leaves."""
MIN_VALIDATION = 10
"""With fewer images than this to choose by, chance would choose; the last epoch's weights are the better choice."""


@dataclass(frozen=True)
class ImageSplit:
    """Images to train on, images that choose the epoch, and images that nothing is chosen by: alike, and beyond.

    The first two are as training sees them, the others as the service hands them to the graph.
    """

    train: LabeledImages
    validation: LabeledImages | None
    test: LabeledImages
    beyond: LabeledImages | None
    notes: list[str]


def split_images(
    data: ImageDataset, seed: int, path: Path, *, validated: bool = True, up_to: float = math.inf
) -> ImageSplit:
    """Hold out a fifth to test on and, where there are enough, 15 % of the rest to choose the epoch by.

    Every class is in the parts as it is in the whole, and at least once in the first and the last.

    Args:
        data: all images.
        seed: decides which go where.
        path: the file that names them, for messages.
        validated: whether there is to be a validation part at all.
        up_to: images with a larger value are not trained on; they show how far the model holds.

    Raises:
        InputError: fewer than 10 images, or one value in all that would be trained on; none is above ``up_to``.
    """
    inside, beyond = np.flatnonzero(data.labels <= up_to), np.flatnonzero(data.labels > up_to)
    if math.isfinite(up_to) and not len(beyond):
        raise InputError(
            f"--train-up-to {up_to:g}: no label of {path} is above it, the largest is {data.labels.max():g}, so "
            f"nothing would show how far the model holds; choose less, or leave it out."
        )
    count, classes = len(inside), len(data.classes or ())
    if count < MIN_IMAGES:
        where = f" with values up to {up_to:g}" if math.isfinite(up_to) else ""
        raise InputError(
            f"{path} names {count} usable images{where}; training and checking need at least {MIN_IMAGES}, so add some."
        )
    held_out = max(round(count * TEST_SHARE), classes)
    stratify = data.labels if classes else None
    rest, test = train_test_split(inside, test_size=held_out, random_state=seed, stratify=stratify)
    train, validation = rest, rest[:0]
    if validated:
        train, validation = _validated(rest, data.labels[rest], seed, by_class=bool(classes))
    if np.ptp(data.labels[train]) == 0:
        raise InputError(
            f"{path}: the images to train on all have the label {data.labels[train[0]]:g}; add more that vary."
        )
    note = f"{len(train):,} images to train on, {len(validation):,} to choose the epoch by, {len(test):,} held out"
    note += f", {len(beyond):,} with values beyond {up_to:g}." if len(beyond) else "."
    return ImageSplit(
        LabeledImages(pick(data.images, train), data.labels[train]),
        LabeledImages(pick(data.images, validation), data.labels[validation]) if len(validation) else None,
        LabeledImages(pick(data.served, test), data.labels[test]),
        LabeledImages(pick(data.served, beyond), data.labels[beyond]) if len(beyond) else None,
        [note],
    )


def _validated(rest: IntArray, labels: FloatArray, seed: int, *, by_class: bool) -> tuple[IntArray, IntArray]:
    """The rest in two: to train on, and to validate on; the latter is empty where it would be too small."""
    order = np.random.default_rng(seed).permutation(len(rest))
    groups = [order[labels[order] == label] for label in np.unique(labels)] if by_class else [order]
    chosen = np.concatenate([group[: round(len(group) * VALIDATION_SHARE)] for group in groups])
    if len(chosen) < MIN_VALIDATION:
        chosen = chosen[:0]
    return np.delete(rest, chosen), rest[np.sort(chosen)]
