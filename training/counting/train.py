"""Trains a network of an aggregate: locations learn to read by likelihood, the head learns to combine."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from models.image_network import ImageNetwork
from models.preprocessing import ImagePreprocessing
from training.counting.aggregate_target import AggregateTarget
from training.counting.location_training import CountingTraining, LocationLoss, snap_head
from training.counting.scene_sampling import Digits, TrainingScenes
from training.trainer.loop import LoopConfig, train_batches
from training.trainer.state import adamw_one_cycle

EMA_DECAY = 0.995
BATCH_SIZE = 80
STEPS = 100
"""Batches of an epoch; as scenes are drawn anew, an epoch is a unit of time only."""
SNAP_IMAGES = 2048
"""Training images that decide whether the head's weights are snapped."""


def build_counting_network(target: AggregateTarget) -> ImageNetwork:
    """The untrained network of a target."""
    return ImageNetwork(
        "regression",
        1,
        target.head_type,
        hidden_dims=(target.highest,),
        height=None,
        width=None,
        contrast="strokes",
        backbone=target.backbone,
        pool=target.pool,
    )


def mlp_head(features: int, seed: int) -> nn.Module:
    """The baseline of a unit as head: two hidden layers of 32 with ReLU."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))


def with_head(network: ImageNetwork, head: nn.Module) -> ImageNetwork:
    """A copy of the network with another head."""
    other = deepcopy(network)
    other.network.head = head  # type: ignore[assignment]
    return other.eval()


def training_scenes(
    target: AggregateTarget, digits: Digits, preprocessing: ImagePreprocessing, seed: int, epochs: int
) -> TrainingScenes:
    """The batches of a training; see ``train_counting_network``."""
    return TrainingScenes(target, digits, preprocessing, epochs=epochs, steps=STEPS, batch_size=BATCH_SIZE, seed=seed)


def train_counting_network(
    target: AggregateTarget, digits: Digits, seed: int, epochs: int, heads: Mapping[str, nn.Module] | None = None
) -> ImageNetwork:
    """Train a network to compute an aggregate.

    Args:
        target: the aggregate.
        digits: what the scenes are drawn from.
        seed: start of all random numbers.
        epochs: of ``STEPS`` batches.
        heads: further heads, trained in place on the same locations.

    Returns:
        The network, in evaluation mode; its head's weights are whole numbers where ``snap_head`` allowed it.
    """
    torch.manual_seed(seed)
    network = build_counting_network(target)
    batches = training_scenes(target, digits, network.pixels, seed, epochs)
    sample = batches.sample(SNAP_IMAGES, np.random.default_rng([seed, epochs]))
    loss: Any = LocationLoss(target.log_likelihood, float(sample.labels.std()))
    training = CountingTraining(network.network, heads)
    state = adamw_one_cycle(training, epochs * STEPS, loss=loss, ema_decay=EMA_DECAY)
    train_batches(state, batches, LoopConfig(epochs, STEPS, title=target.name))
    snap_head(network.eval(), sample.images, torch.from_numpy(sample.labels))
    return network
