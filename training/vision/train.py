"""Trains an image network on labelled images: batches, augmentation, early stopping, checkpoints."""

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
from training.errors import DivergedError
from training.trainer.checkpointing import CheckpointFolder
from training.trainer.early_stopping import BestEpoch
from training.trainer.loop import Batch, LoopConfig, train_batches
from training.trainer.state import TrainingState, adamw_one_cycle, image_loss
from training.vision.config import TrainConfig

VALIDATION_BATCH = 256
FREEZE_BATCH_NORM_FROM = 0.5
"""Share of the epochs after which networks that sum features over locations freeze their batch normalisation."""
SNAP_IMAGES = 2048
"""Images that decide whether the weights of a counting head are snapped."""


def train_image_network(
    network: ImageNetwork,
    config: TrainConfig,
    train: LabeledImages,
    validation: LabeledImages | None,
    title: str,
    checkpoints: CheckpointFolder | None = None,
) -> str:
    """Train a network in place.

    Args:
        network: left on the CPU, in evaluation mode.
        config: epochs, augmentation and the other options.
        train: the training images.
        validation: images that select the best epoch; None: the last epoch's weights are retained.
        title: of the progress bar and the checkpoint.
        checkpoints: where the training is saved, and resumed from after an interruption.

    Returns:
        A sentence about the selected epoch, empty without validation.

    Raises:
        DivergedError: the loss or weights are not finite any more.
    """
    best = _best_epoch(network, config, validation) if validation else None
    loop = _loop_config(network, config, train, title)
    state = _training_state(network, config, train.labels, loop.epochs * loop.steps)
    checkpoint = checkpoints.checkpoint(title, {"best": best} if best else {}) if checkpoints else None
    train_batches(state, _Batches(network, config, train), loop, after_epoch=best, checkpoint=checkpoint)
    if best is not None:
        if not best.weights:
            raise DivergedError(f"{title}: no epoch has a finite loss on the validation images; {repair(config)}.")
        best.restore_best()
    network.eval()
    if network.network.pool == "count":
        snap_head(network, train.images[:SNAP_IMAGES], torch.from_numpy(train.labels[:SNAP_IMAGES]))
    return best.summary if best else ""


def _loop_config(network: ImageNetwork, config: TrainConfig, train: LabeledImages, title: str) -> LoopConfig:
    size = batch_size_for(train.images, network.pixels, config.batch_size)
    return LoopConfig(
        config.epochs,
        steps_per_epoch(len(train.images), size),
        device=config.device,
        channels_last=takes_channels_last(network, train.images[0]),
        freeze_batch_norm_from=ceil(FREEZE_BATCH_NORM_FROM * config.epochs) if network.network.pool == "sum" else None,
        title=title,
        repair=repair(config),
    )


def repair(config: TrainConfig) -> str:
    """What to change after a training that diverged."""
    advice = f"train with less than --learning-rate {config.max_lr:g}"
    return advice if config.classes is not None else f"{advice}, or correct labels far from the others"


def _training_state(network: ImageNetwork, config: TrainConfig, labels: FloatArray, steps: int) -> TrainingState:
    counting = network.network.pool == "count"
    return adamw_one_cycle(
        CountingTraining(network.network) if counting else network.network,
        steps,
        max_lr=config.max_lr,
        loss=location_loss(network, labels) if counting else None,
        ema_decay=config.ema_decay,
    )


def _best_epoch(network: ImageNetwork, config: TrainConfig, validation: LabeledImages) -> BestEpoch:
    return BestEpoch(network.network, _ValidationLoss(network, config, validation), config.epochs, config.patience)


def location_loss(network: ImageNetwork, labels: FloatArray) -> LocationLoss:
    """The loss of a counting head: the likelihood of these labels."""
    [highest, *_] = network.config["hidden_dims"]
    return LocationLoss(sum_likelihood(highest, labels.max()), float(labels.std()))


def takes_channels_last(network: ImageNetwork, image: ByteArray) -> bool:
    """Whether the backbone runs in channels-last memory format; one that takes views of its maps may not."""
    x = network.pixels(torch.from_numpy(image.copy())[None].repeat(2, 1, 1, 1)).to(memory_format=torch.channels_last)
    backbone = deepcopy(network.network.conv_model).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        with torch.no_grad():
            backbone(x)
    except RuntimeError:
        return False
    return True


class _Batches:
    """The batches of an epoch: images in random order, augmented, then adjusted in contrast."""

    def __init__(self, network: ImageNetwork, config: TrainConfig, train: LabeledImages) -> None:
        self.pixels, self.device = network.pixels, config.device
        self.size = batch_size_for(train.images, network.pixels, config.batch_size)
        self.images = train.images
        self.labels = targets(network, config, train.labels)
        self.areas = None if self.pixels.resizes else areas_of(train.images)
        self.augment: Callable[[Tensor], Tensor] = config.augment or (lambda images: images)

    def __call__(self, _: int) -> Iterable[Batch]:
        n = len(self.images)
        batches = random_batches(self.areas, n, self.size)
        offsets = None if self.pixels.resizes else torch.rand(n, 2)

        def fetch(batch: Tensor) -> Tensor:
            return collate(self.images, batch.tolist(), self.pixels, None if offsets is None else offsets[batch])

        # only decoding is worth threads; images in memory need none
        fetched = prefetch_map(fetch, batches) if isinstance(self.images, ImageFiles) else map(fetch, batches)
        for batch, x in zip(batches, fetched, strict=True):
            yield self.pixels.adjust(self.augment(x.to(self.device))), self.labels[batch]


class _ValidationLoss:
    """The mean loss on images as they are served, without augmentation or padding."""

    def __init__(self, network: ImageNetwork, config: TrainConfig, examples: LabeledImages) -> None:
        self.network, self.device = network, config.device
        self.images = examples.images
        self.labels = targets(network, config, examples.labels)

    def __call__(self) -> float:
        total = 0.0
        with torch.no_grad():
            for index, group in bucket_by_shape(self.images, VALIDATION_BATCH):
                output = self.network.network(self.network.pixels(torch.from_numpy(group)).to(self.device))
                total += image_loss(output, self.labels[index].to(self.device)).item() * len(index)
        return total / len(self.images)


def targets(network: ImageNetwork, config: TrainConfig, labels: FloatArray) -> Tensor:
    """Targets of the head: class indices, or values in units of the network's scale, ``(n,)``."""
    numbers = torch.from_numpy(labels)
    if config.classes is not None:
        return numbers.long()
    return ((numbers - network.shift) / network.scale).float()
