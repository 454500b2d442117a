"""Collates images of any sizes into batches."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from models.arrays import ByteArray, FloatArray, Predict
from models.preprocessing import ImagePreprocessing
from training.data.augment import background
from training.data.image_files import shapes_of
from training.data.labeled_images import Images

PREDICT_BATCH = 256

POOL = 8
"""Batches among whose images those of similar size are grouped."""
BATCH_PIXELS = 2_000_000
"""Most pixels of a batch whose images keep their own size: bounds the memory of their feature maps."""


def collate(
    images: Images, index: Sequence[int], preprocessing: ImagePreprocessing, offsets: Tensor | None = None
) -> Tensor:
    """A batch as the network's preprocessing resizes it, without the contrast step.

    Images that keep their own size are padded with their own background to the largest height and width among
    them.

    Args:
        images: ``(channels, height, width)``, uint8, of any sizes.
        index: which of them.
        preprocessing: of the network.
        offsets: share of each image's padding above and to the left, ``(len(index), 2)`` of 0..1; None: in the middle.

    Shape:
        result: ``(len(index), channels, height, width)``, float in 0..1.
    """
    chosen = [torch.from_numpy(images[i]) for i in index]
    if preprocessing.resizes:
        return torch.cat([_resized(group, preprocessing) for group in _of_one_size(chosen)])
    if len({image.shape for image in chosen}) == 1:
        return torch.stack(chosen).float() / 255
    return _padded([image.float() / 255 for image in chosen], offsets)


def batch_size_for(images: Images, preprocessing: ImagePreprocessing, most: int) -> int:
    """Images a batch: ``most``, or fewer where images of their own size take more than ``BATCH_PIXELS``."""
    if preprocessing.resizes:
        return most
    largest = np.max([shape[1:] for shape in shapes_of(images)], axis=0)
    return int(max(1, min(most, BATCH_PIXELS // largest.prod())))


def areas_of(images: Images) -> Tensor:
    """Pixels of each image, ``(n,)``."""
    return torch.tensor([height * width for _, height, width in shapes_of(images)])


def random_batches(areas: Tensor | None, images: int, size: int) -> list[Tensor]:
    """The batches of an epoch, in random order: each image once, in ``steps_per_epoch`` batches.

    Args:
        areas: pixels of each image, ``(images,)``, where a batch is padded to its largest: images of similar size
            share a batch, as a small image costs as much as the largest beside it. None: any share a batch.
        images: their number.
        size: images of a batch.
    """
    order = torch.randperm(images)[: steps_per_epoch(images, size) * size]
    if areas is None:
        return list(torch.split(order, size))
    pools = (pool[areas[pool].argsort(stable=True)] for pool in torch.split(order, POOL * size))
    batches = [batch for pool in pools for batch in torch.split(pool, size)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def steps_per_epoch(images: int, size: int) -> int:
    """Batches of an epoch. A last one of a single image is left out, as batch normalisation needs two."""
    rest = images % size
    return images // size + (rest > 1 or images == 1)


def bucket_by_shape(images: Images, most: int) -> Iterator[tuple[list[int], ByteArray]]:
    """Runs of images of one shape, stacked: at most ``most`` and ``BATCH_PIXELS``; each image is read once."""
    index: list[int] = []
    group: list[ByteArray] = []
    for i, image in enumerate(images):
        full = len(group) == most or (len(group) + 1) * image[0].size > BATCH_PIXELS
        if group and (full or image.shape != group[0].shape):
            yield index, np.stack(group)
            index, group = [], []
        index.append(i)
        group.append(image)
    if group:
        yield index, np.stack(group)


def predict_images(predict: Predict, images: Images) -> FloatArray:
    """Predictions for each image, ``(n, outputs)``; runs of one shape are one batch."""
    groups = bucket_by_shape(images, PREDICT_BATCH)
    return np.concatenate([predict(group) for _, group in groups]).astype(np.float64)


def _of_one_size(images: list[Tensor]) -> Iterator[Tensor]:
    """The images in order, runs of one shape stacked."""
    start = 0
    for i in range(1, len(images) + 1):
        if i == len(images) or images[i].shape != images[start].shape:
            yield torch.stack(images[start:i])
            start = i


def _resized(images: Tensor, preprocessing: ImagePreprocessing) -> Tensor:
    if images.shape[2:] == (len(preprocessing.rows), len(preprocessing.columns)):
        return images.float() / 255  # equals resizing, without its matrix products
    return preprocessing.resize(images)


def _padded(images: list[Tensor], offsets: Tensor | None) -> Tensor:
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    padded = []
    for i, image in enumerate(images):
        free = torch.tensor([height - image.shape[1], width - image.shape[2]])
        top, left = ((free + 1) * (offsets[i] if offsets is not None else 0.5)).long().minimum(free).tolist()
        frame = background(image[None])[0].repeat(1, height, width)
        frame[:, top : top + image.shape[1], left : left + image.shape[2]] = image
        padded.append(frame)
    return torch.stack(padded)
