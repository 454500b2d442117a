"""Splits images into training, validation (selects the best epoch) and test parts."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from models.arrays import FloatArray, IntArray
from training.data.image_files import take_images
from training.data.image_folder import ImageDataset
from training.data.labeled_images import LabeledImages
from training.errors import InputError

MIN_IMAGES = 10
TEST_SHARE = 0.2
VALIDATION_SHARE = 0.15
"""Of the images that the test leaves."""
MIN_VALIDATION = 10
"""With fewer validation images the selection of an epoch is chance; the last epoch's weights are the better choice."""


@dataclass(frozen=True)
class ImageSplit:
    """The parts: training and validation images as training sees them, test images as the service passes them on.

    ``beyond`` are test images with values above those in training.
    """

    train: LabeledImages
    validation: LabeledImages | None
    test: LabeledImages
    beyond: LabeledImages | None
    notes: list[str]


def split_images(
    data: ImageDataset, seed: int, path: Path, *, validated: bool = True, up_to: float = math.inf
) -> ImageSplit:
    """Hold out a fifth for testing and, where there are enough, 15 % of the rest for validation.

    Parts are stratified by class; every class is at least once in the training and the test part.

    Args:
        data: all images.
        seed: of the split.
        path: the file that names them, for messages.
        validated: whether a validation part is wanted.
        up_to: images with a larger value are not trained on; they measure extrapolation.

    Raises:
        InputError: fewer than 10 images, or one value in all that would be trained on; none is above ``up_to``.
    """
    inside, beyond = _by_value(data.labels, up_to, path)
    first = np.arange(len(data.labels)) if data.first is None else data.first
    alone = inside[np.unique(first[inside], return_index=True)[1]]  # one of the copies of each image
    _check_number(alone, data, path, up_to)
    parts = _split(alone, data.labels[alone], seed, classes=len(data.classes or ()), validated=validated)
    train, validation, test = (_with_copies(part, first, inside) for part in parts)
    if np.ptp(data.labels[train]) == 0:
        raise InputError(
            f"{path}: the images to train on all have the label {data.labels[train[0]]:g}; add more that vary."
        )
    note = f"{len(train):,} images to train on, {len(validation):,} to choose the epoch by, {len(test):,} held out"
    note += f", {len(beyond):,} with values beyond {up_to:g}." if len(beyond) else "."
    return ImageSplit(
        LabeledImages(take_images(data.images, train), data.labels[train]),
        LabeledImages(take_images(data.images, validation), data.labels[validation]) if len(validation) else None,
        LabeledImages(take_images(data.served, test), data.labels[test]),
        LabeledImages(take_images(data.served, beyond), data.labels[beyond]) if len(beyond) else None,
        [note],
    )


def _split(
    images: IntArray, labels: FloatArray, seed: int, *, classes: int, validated: bool
) -> tuple[IntArray, IntArray, IntArray]:
    """Training, validation and test images, each of which is one of these."""
    held_out = max(round(len(images) * TEST_SHARE), classes)
    places = np.arange(len(images))
    rest, test = train_test_split(places, test_size=held_out, random_state=seed, stratify=labels if classes else None)
    train, validation = rest, rest[:0]
    if validated:
        train, validation = _validated(rest, labels[rest], seed, by_class=bool(classes))
    return images[train], images[validation], images[test]


def _by_value(labels: FloatArray, up_to: float, path: Path) -> tuple[IntArray, IntArray]:
    """Indices of the labels up to a value, and of those above it.

    Raises:
        InputError: none is above a finite one.
    """
    inside, beyond = np.flatnonzero(labels <= up_to), np.flatnonzero(labels > up_to)
    if math.isfinite(up_to) and not len(beyond):
        raise InputError(
            f"--train-up-to {up_to:g}: no label of {path} is above it, the largest is {labels.max():g}, so nothing "
            f"measures extrapolation; choose a smaller value, or leave it out."
        )
    return inside, beyond


def _check_number(alone: IntArray, data: ImageDataset, path: Path, up_to: float) -> None:
    """Check that there are enough different images, of every class as well.

    Raises:
        InputError: there are not.
    """
    if len(alone) < MIN_IMAGES:
        where = f" with values up to {up_to:g}" if math.isfinite(up_to) else ""
        raise InputError(
            f"{path} names {len(alone)} usable images{where}; training and checking need at least {MIN_IMAGES}, "
            f"so add some."
        )
    for number, name in enumerate(data.classes or ()):
        if np.count_nonzero(data.labels[alone] == number) < 2:
            raise InputError(
                f"{path}: the images with the label '{name}' are copies of one; classification needs at least two "
                f"different images a label."
            )


def _with_copies(part: IntArray, first: IntArray, inside: IntArray) -> IntArray:
    """The places of a part's images and of their copies."""
    if len(np.unique(first[inside])) == len(inside):
        return part
    return inside[np.isin(first[inside], first[part])]


def _validated(rest: IntArray, labels: FloatArray, seed: int, *, by_class: bool) -> tuple[IntArray, IntArray]:
    """The rest split into training and validation; the latter is empty where it would be too small."""
    order = np.random.default_rng(seed).permutation(len(rest))
    groups = [order[labels[order] == label] for label in np.unique(labels)] if by_class else [order]
    chosen = np.concatenate([group[: round(len(group) * VALIDATION_SHARE)] for group in groups])
    if len(chosen) < MIN_VALIDATION:
        chosen = chosen[:0]
    return np.delete(rest, chosen), rest[np.sort(chosen)]
