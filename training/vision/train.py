"""Trains a picture network on labelled pictures: batches, variations, the choice of the epoch, the way back in."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.image_network import PictureNetwork
from training.counting.location_training import VoteLoss, Voting, snap_head, sum_likelihood
from training.data.collate import areas_of, batch_size_for, gather, groups_of_one_size, random_batches, steps_of
from training.data.image_files import PictureFiles
from training.data.prefetch import ahead
from training.trainer.checkpointing import CheckpointFolder
from training.trainer.early_stopping import BestEpoch
from training.trainer.loop import Batch, train_batches
from training.trainer.state import image_loss
from training.vision.config import Examples, Numbers, PicturePlan

VALIDATED_TOGETHER = 256
NORMS_HELD_FROM = 0.5
"""Share of the epochs after which networks that sum features over places hold their batch normalisation."""
SNAPPED_ON = 2048
"""Pictures that decide whether the weights of a head on votes are rounded."""


def train_picture_network(
    network: PictureNetwork,
    plan: PicturePlan,
    train: Examples,
    validation: Examples | None,
    title: str,
    saved: CheckpointFolder | None = None,
) -> str:
    """Train a network, in place, as planned.

    Args:
        network: left on the CPU, in evaluation mode.
        plan: epochs, variations and all else.
        train: the training pictures.
        validation: pictures that choose the epoch whose weights are kept; None: the last epoch's are.
        title: of the progress bar, and of what is saved.
        saved: where the training is saved, and goes on from if it was interrupted.

    Returns:
        A sentence about the epoch whose weights were kept, empty without validation.
    """
    size = batch_size_for(train.pictures, network.pixels, plan.batch_size)
    best = None
    if validation is not None:
        loss = _Validation(network, plan, validation)
        best = BestEpoch(network.network, loss, plan.epochs, plan.patience)
    votes = network.network.pool == "add-votes"
    train_batches(
        Voting(network.network) if votes else network.network,
        _Batches(network, plan, train, size),
        epochs=plan.epochs,
        steps=steps_of(len(train.pictures), size),
        max_lr=plan.max_lr,
        averaging=plan.averaging,
        loss=vote_loss(network, train.labels) if votes else None,
        device=plan.device,
        channels_last=takes_channels_last(network, train.pictures[0]),
        norms_held_from=ceil(NORMS_HELD_FROM * plan.epochs) if network.network.pool == "sum" else None,
        after_epoch=best,
        resume=saved.training(title, {"best": best} if best else {}) if saved else None,
        title=title,
    )
    if best is not None:
        best.restore_best()
    network.eval()
    if votes:
        snap_head(network, train.pictures[:SNAPPED_ON], torch.from_numpy(train.labels[:SNAPPED_ON]))
    return best.note if best else ""


def vote_loss(network: PictureNetwork, labels: Numbers) -> VoteLoss:
    """What places that vote learn from: how likely they make these labels."""
    [highest, *_] = network.config["hidden_dims"]
    return VoteLoss(sum_likelihood(highest, labels.max()), float(labels.std()))


def takes_channels_last(network: PictureNetwork, picture: NDArray[np.uint8]) -> bool:
    """Whether the backbone takes maps whose channels come last in memory; one that takes views of them may not."""
    x = network.pixels(torch.from_numpy(picture.copy())[None].repeat(2, 1, 1, 1)).to(memory_format=torch.channels_last)
    backbone = deepcopy(network.network.conv_model).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        with torch.no_grad():
            backbone(x)
    except RuntimeError:
        return False
    return True


class _Batches:
    """The batches of an epoch: pictures in a random order, varied, then put into contrast."""

    def __init__(self, network: PictureNetwork, plan: PicturePlan, train: Examples, size: int) -> None:
        self.pixels, self.device, self.size = network.pixels, plan.device, size
        self.pictures = train.pictures
        self.labels = targets(network, plan, train.labels)
        self.areas = None if self.pixels.resizes else areas_of(train.pictures)
        self.augment: Callable[[Tensor], Tensor] = plan.augment or (lambda pictures: pictures)

    def __call__(self, _: int) -> Iterable[Batch]:
        n = len(self.pictures)
        batches = random_batches(self.areas, n, self.size)
        places = None if self.pixels.resizes else torch.rand(n, 2)

        def fetch(batch: Tensor) -> Tensor:
            return gather(self.pictures, batch.tolist(), self.pixels, None if places is None else places[batch])

        # decoding is work for threads; what is held in memory is at hand
        fetched = ahead(fetch, batches) if isinstance(self.pictures, PictureFiles) else map(fetch, batches)
        for batch, x in zip(batches, fetched, strict=True):
            yield self.pixels.adjust(self.augment(x.to(self.device))), self.labels[batch]


class _Validation:
    """The mean loss on pictures as they are served, without variations or padding."""

    def __init__(self, network: PictureNetwork, plan: PicturePlan, examples: Examples) -> None:
        self.network, self.device = network, plan.device
        self.pictures = examples.pictures
        self.labels = targets(network, plan, examples.labels)

    def __call__(self) -> float:
        total = 0.0
        with torch.no_grad():
            for index, group in groups_of_one_size(self.pictures, VALIDATED_TOGETHER):
                output = self.network.network(self.network.pixels(torch.from_numpy(group)).to(self.device))
                total += image_loss(output, self.labels[index].to(self.device)).item() * len(index)
        return total / len(self.pictures)


def targets(network: PictureNetwork, plan: PicturePlan, labels: Numbers) -> Tensor:
    """What the head is to say: class indices, or values in units of the network's scale, ``(n,)``."""
    numbers = torch.from_numpy(labels)
    if plan.classes is not None:
        return numbers.long()
    return ((numbers - network.shift) / network.scale).float()
