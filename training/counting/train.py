"""Trains a network that tells totals of several digits: places learn to read by likelihood, the head to combine."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from models.image_network import PictureNetwork
from models.preprocessing import Pixels
from training.counting.location_training import VoteLoss, Voting, snap_head
from training.counting.scenes import Digits, TrainingCanvases
from training.counting.totals import Total
from training.trainer.loop import train_batches

AVERAGING = 0.995
BATCH_SIZE = 80
STEPS = 100
"""Batches of an epoch; as canvases are drawn anew, an epoch is no more than a unit of time."""
SNAPPED_ON = 2048


def build(total: Total) -> PictureNetwork:
    """The untrained network of a total."""
    return PictureNetwork(
        "regression",
        1,
        total.head_type,
        hidden_dims=(total.highest,),
        height=None,
        width=None,
        contrast="strokes",
        backbone=total.backbone,
        pool=total.pool,  # type: ignore[arg-type]
    )


def mlp_head(features: int, seed: int) -> nn.Module:
    """What stands in a unit's place otherwise: two hidden layers of 32 with ReLU."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))


def with_head(network: PictureNetwork, head: nn.Module) -> PictureNetwork:
    """The same network, copied, with another head."""
    other = deepcopy(network)
    other.network.head = head  # type: ignore[assignment]
    return other.eval()


def training_canvases(total: Total, digits: Digits, pixels: Pixels, seed: int, epochs: int) -> TrainingCanvases:
    """The batches of a training; see ``train_total``."""
    return TrainingCanvases(total, digits, pixels, epochs=epochs, steps=STEPS, batch_size=BATCH_SIZE, seed=seed)


def train_total(
    total: Total, digits: Digits, seed: int, epochs: int, heads: Mapping[str, nn.Module] | None = None
) -> PictureNetwork:
    """Train a network to tell a total.

    Args:
        total: what is told.
        digits: what the canvases are drawn from.
        seed: start of all random numbers.
        epochs: of ``STEPS`` batches.
        heads: other heads, which learn from the same votes; in place.

    Returns:
        The network, in evaluation mode; its head's weights are whole numbers where ``snap_head`` allowed it.
    """
    torch.manual_seed(seed)
    network = build(total)
    batches = training_canvases(total, digits, network.pixels, seed, epochs)
    sample = batches.sample(SNAPPED_ON, np.random.default_rng([seed, epochs]))
    loss: Any = VoteLoss(total.log_likelihood, float(sample.labels.std()))
    voting = Voting(network.network, heads)
    train_batches(voting, batches, epochs=epochs, steps=STEPS, averaging=AVERAGING, loss=loss, title=total.name)
    snap_head(network.eval(), sample.pictures, torch.from_numpy(sample.labels))
    return network
