"""Trains an image network on labelled images: batches, variations, the choice of the epoch, the way back in."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from math import ceil

import torch
from torch import Tensor

from models.arrays import ByteArray, FloatArray
from models.image_network import ImageNetwork
from training.counting.location_training import CountingTraining, LocationLoss, snap_head, sum_likelihood
from training.data.collate import areas_of, batch_size_for, bucket_by_shape, collate, random_batches, steps_per_epoch
from training.data.image_files import ImageFiles
from training.data.labeled_images import LabeledImages
from training.data.prefetch import prefetch_map
from training.trainer.checkpointing import CheckpointFolder
from training.trainer.early_stopping import BestEpoch
from training.trainer.loop import Batch, LoopConfig, train_batches
from training.trainer.state import image_loss, image_training
from training.vision.config import TrainConfig

VALIDATED_TOGETHER = 256
FREEZE_BATCH_NORM_FROM = 0.5
"""Share of the epochs after which networks that sum features over locations freeze their batch normalisation."""
SNAP_IMAGES = 2048
"""Images that decide whether the weights of a counting head are snapped."""


def train_image_network(
    network: ImageNetwork,
    plan: TrainConfig,
    train: LabeledImages,
    validation: LabeledImages | None,
    title: str,
    checkpoints: CheckpointFolder | None = None,
) -> str:
    """Train a network, in place, as planned.

    Args:
        network: left on the CPU, in evaluation mode.
        plan: epochs, variations and all else.
        train: the training images.
        validation: images that choose the epoch whose weights are kept; None: the last epoch's are.
        title: of the progress bar, and of what is saved.
        checkpoints: where the training is saved, and resumes from after an interruption.

    Returns:
        A sentence about the epoch whose weights were kept, empty without validation.
    """
    size = batch_size_for(train.images, network.pixels, plan.batch_size)
    best = None
    if validation is not None:
        loss = _Validation(network, plan, validation)
        best = BestEpoch(network.network, loss, plan.epochs, plan.patience)
    counting = network.network.pool == "count"
    config = LoopConfig(
        plan.epochs,
        steps_per_epoch(len(train.images), size),
        device=plan.device,
        channels_last=takes_channels_last(network, train.images[0]),
        freeze_batch_norm_from=ceil(FREEZE_BATCH_NORM_FROM * plan.epochs) if network.network.pool == "sum" else None,
        title=title,
    )
    state = image_training(
        CountingTraining(network.network) if counting else network.network,
        config.epochs * config.steps,
        max_lr=plan.max_lr,
        loss=location_loss(network, train.labels) if counting else None,
        ema_decay=plan.ema_decay,
    )
    checkpoint = checkpoints.checkpoint(title, {"best": best} if best else {}) if checkpoints else None
    train_batches(state, _Batches(network, plan, train, size), config, after_epoch=best, checkpoint=checkpoint)
    if best is not None:
        best.restore_best()
    network.eval()
    if counting:
        snap_head(network, train.images[:SNAP_IMAGES], torch.from_numpy(train.labels[:SNAP_IMAGES]))
    return best.summary if best else ""


def location_loss(network: ImageNetwork, labels: FloatArray) -> LocationLoss:
    """The loss of a counting head: the likelihood of these labels."""
    [highest, *_] = network.config["hidden_dims"]
    return LocationLoss(sum_likelihood(highest, labels.max()), float(labels.std()))


def takes_channels_last(network: ImageNetwork, image: ByteArray) -> bool:
    """Whether the backbone takes maps whose channels come last in memory; one that takes views of them may not."""
    x = network.pixels(torch.from_numpy(image.copy())[None].repeat(2, 1, 1, 1)).to(memory_format=torch.channels_last)
    backbone = deepcopy(network.network.conv_model).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        with torch.no_grad():
            backbone(x)
    except RuntimeError:
        return False
    return True


class _Batches:
    """The batches of an epoch: images in a random order, varied, then put into contrast."""

    def __init__(self, network: ImageNetwork, plan: TrainConfig, train: LabeledImages, size: int) -> None:
        self.pixels, self.device, self.size = network.pixels, plan.device, size
        self.images = train.images
        self.labels = targets(network, plan, train.labels)
        self.areas = None if self.pixels.resizes else areas_of(train.images)
        self.augment: Callable[[Tensor], Tensor] = plan.augment or (lambda images: images)

    def __call__(self, _: int) -> Iterable[Batch]:
        n = len(self.images)
        batches = random_batches(self.areas, n, self.size)
        places = None if self.pixels.resizes else torch.rand(n, 2)

        def fetch(batch: Tensor) -> Tensor:
            return collate(self.images, batch.tolist(), self.pixels, None if places is None else places[batch])

        # decoding is work for threads; what is held in memory is at hand
        fetched = prefetch_map(fetch, batches) if isinstance(self.images, ImageFiles) else map(fetch, batches)
        for batch, x in zip(batches, fetched, strict=True):
            yield self.pixels.adjust(self.augment(x.to(self.device))), self.labels[batch]


class _Validation:
    """The mean loss on images as they are served, without variations or padding."""

    def __init__(self, network: ImageNetwork, plan: TrainConfig, examples: LabeledImages) -> None:
        self.network, self.device = network, plan.device
        self.images = examples.images
        self.labels = targets(network, plan, examples.labels)

    def __call__(self) -> float:
        total = 0.0
        with torch.no_grad():
            for index, group in bucket_by_shape(self.images, VALIDATED_TOGETHER):
                output = self.network.network(self.network.pixels(torch.from_numpy(group)).to(self.device))
                total += image_loss(output, self.labels[index].to(self.device)).item() * len(index)
        return total / len(self.images)


def targets(network: ImageNetwork, plan: TrainConfig, labels: FloatArray) -> Tensor:
    """What the head is to say: class indices, or values in units of the network's scale, ``(n,)``."""
    numbers = torch.from_numpy(labels)
    if plan.classes is not None:
        return numbers.long()
    return ((numbers - network.shift) / network.scale).float()
