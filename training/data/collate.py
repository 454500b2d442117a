"""Puts pictures together into the batches that networks take."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.preprocessing import Pixels
from training.data.augment import background
from training.data.image_files import shapes_of

Pictures = Sequence[NDArray[np.uint8]]
Predict = Callable[[NDArray[Any]], NDArray[Any]]

PREDICTED_TOGETHER = 256

POOL = 8
"""Batches among whose pictures those of like size are put together."""
BATCH_PIXELS = 2_000_000
"""Most pixels of a batch whose pictures keep their own size: bounds the memory of their feature maps."""


def gather(pictures: Pictures, index: Sequence[int], pixels: Pixels, places: Tensor | None = None) -> Tensor:
    """A batch as the network's pixels resize it, without the contrast step.

    Pictures that keep their own size are padded with their own background to the largest height and width among
    them.

    Args:
        pictures: ``(channels, height, width)``, uint8, of any sizes.
        index: which of them.
        pixels: of the network.
        places: where in the padding each picture lies, ``(len(index), 2)`` of 0..1; None: in the middle.

    Shape:
        result: ``(len(index), channels, height, width)``, float in 0..1.
    """
    chosen = [torch.from_numpy(pictures[i]) for i in index]
    if pixels.resizes:
        return torch.cat([_resized(group, pixels) for group in _of_one_size(chosen)])
    if len({picture.shape for picture in chosen}) == 1:
        return torch.stack(chosen).float() / 255
    return _padded([picture.float() / 255 for picture in chosen], places)


def batch_size_for(pictures: Pictures, pixels: Pixels, most: int) -> int:
    """Pictures a batch: ``most``, or fewer where pictures of their own size take more than ``BATCH_PIXELS``."""
    if pixels.resizes:
        return most
    largest = np.max([shape[1:] for shape in shapes_of(pictures)], axis=0)
    return int(max(1, min(most, BATCH_PIXELS // largest.prod())))


def areas_of(pictures: Pictures) -> Tensor:
    """Pixels of each picture, ``(n,)``."""
    return torch.tensor([height * width for _, height, width in shapes_of(pictures)])


def random_batches(areas: Tensor | None, pictures: int, size: int) -> list[Tensor]:
    """The batches of an epoch, in random order: each picture once, ``steps_of`` batches.

    Args:
        areas: pixels of each picture, ``(pictures,)``, where a batch is padded to its largest: those of like size then
            come together, as a small picture beside a large one would cost as much as it. None: any come together.
        pictures: how many there are.
        size: pictures of a batch.
    """
    order = torch.randperm(pictures)[: steps_of(pictures, size) * size]
    if areas is None:
        return list(torch.split(order, size))
    pools = (pool[areas[pool].argsort(stable=True)] for pool in torch.split(order, POOL * size))
    batches = [batch for pool in pools for batch in torch.split(pool, size)]
    return [batches[i] for i in torch.randperm(len(batches)).tolist()]


def steps_of(pictures: int, size: int) -> int:
    """Batches of an epoch. A last one of a single picture is left out, as batch normalisation needs two."""
    rest = pictures % size
    return pictures // size + (rest > 1 or pictures == 1)


def groups_of_one_size(pictures: Pictures, most: int) -> Iterator[tuple[list[int], NDArray[np.uint8]]]:
    """Neighbours of one size together, at most so many or ``BATCH_PIXELS``; each picture is asked for once."""
    index: list[int] = []
    group: list[NDArray[np.uint8]] = []
    for i, picture in enumerate(pictures):
        full = len(group) == most or (len(group) + 1) * picture[0].size > BATCH_PIXELS
        if group and (full or picture.shape != group[0].shape):
            yield index, np.stack(group)
            index, group = [], []
        index.append(i)
        group.append(picture)
    if group:
        yield index, np.stack(group)


def predict_pictures(predict: Predict, pictures: Pictures) -> NDArray[np.float64]:
    """What a model says of each picture, ``(n, outputs)``; neighbours of one size go together."""
    groups = groups_of_one_size(pictures, PREDICTED_TOGETHER)
    return np.concatenate([predict(group) for _, group in groups]).astype(np.float64)


def _of_one_size(pictures: list[Tensor]) -> Iterator[Tensor]:
    """The pictures in their order, neighbours of one size stacked."""
    start = 0
    for i in range(1, len(pictures) + 1):
        if i == len(pictures) or pictures[i].shape != pictures[start].shape:
            yield torch.stack(pictures[start:i])
            start = i


def _resized(pictures: Tensor, pixels: Pixels) -> Tensor:
    if pictures.shape[2:] == (len(pixels.rows), len(pixels.columns)):
        return pictures.float() / 255  # what resizing to the same size does, without its matrix products
    return pixels.resize(pictures)


def _padded(pictures: list[Tensor], places: Tensor | None) -> Tensor:
    height, width = (max(picture.shape[axis] for picture in pictures) for axis in (1, 2))
    canvases = []
    for i, picture in enumerate(pictures):
        free = torch.tensor([height - picture.shape[1], width - picture.shape[2]])
        top, left = ((free + 1) * (places[i] if places is not None else 0.5)).long().minimum(free).tolist()
        canvas = background(picture[None])[0].repeat(1, height, width)
        canvas[:, top : top + picture.shape[1], left : left + picture.shape[2]] = picture
        canvases.append(canvas)
    return torch.stack(canvases)
