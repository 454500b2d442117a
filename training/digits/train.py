"""Trains a network that tells totals of several digits: places learn to read by likelihood, the head to combine."""

from collections.abc import Mapping
from copy import deepcopy
from math import exp, log
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.picture import PictureNetwork
from training.digits.canvases import Digits, TrainingCanvases
from training.digits.totals import Total
from training.loop import train_batches
from training.mixed import maps_of

AVERAGING = 0.995
BATCH_SIZE = 80
STEPS = 100
"""Batches of an epoch; as canvases are drawn anew, an epoch is no more than a unit of time."""
SNAPPED_ON = 2048


class Voting(nn.Module):
    """A network with votes in training: answers votes and what heads make of them, without gradient between the two.

    The votes learn from how likely they make the total, a head from the squared error of its own answer: so a head
    cannot bend what is read to its liking, and several heads can learn beside each other from the same reading.
    """

    def __init__(self, network: PictureNetwork, heads: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.network = network.network
        self.others = nn.ModuleDict(dict(heads))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        votes = maps_of(self.network, x)
        features = self.network.pooled(votes.detach())
        heads = (self.network.head, *self.others.values())
        return votes, torch.cat([head(features) for head in heads], 1)


class TotalLoss:
    """Mean negative log-likelihood of the totals, and the heads' squared errors in units of the totals' spread."""

    def __init__(self, total: Total, spread: float) -> None:
        self.total, self.spread = total, spread

    def __call__(self, output: tuple[Tensor, Tensor], totals: Tensor) -> Tensor:
        votes, answers = output
        error = (answers - totals[:, None]) / self.spread
        return (
            functional.smooth_l1_loss(error, torch.zeros_like(error)) - self.total.log_likelihood(votes, totals).mean()
        )


def build(total: Total, head_type: str | None = None) -> PictureNetwork:
    """The untrained network of a total."""
    return PictureNetwork(
        "regression",
        1,
        head_type or total.head_type,
        hidden_dims=(total.highest,),
        height=None,
        width=None,
        contrast="strokes",
        backbone="local",
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
    batches = TrainingCanvases(
        total, digits, network.pixels, epochs=epochs, steps=STEPS, batch_size=BATCH_SIZE, seed=seed
    )
    sample = batches.draw(SNAPPED_ON, (2, 2), np.random.default_rng([seed, epochs]))
    totals = total.of(sample)
    loss: Any = TotalLoss(total, float(totals.std()))
    voting = Voting(network, heads or {})
    train_batches(voting, batches, epochs=epochs, steps=STEPS, averaging=AVERAGING, loss=loss, title=total.name)
    snap_head(network.eval(), torch.from_numpy(sample.pictures), torch.from_numpy(totals))
    return network


def snap_head(network: PictureNetwork, pictures: Tensor, totals: Tensor) -> bool:
    """Round the head's weights if the pictures are then told no significantly worse.

    Significantly: the mean squared error grows by more than ``exp(k ln N / N)``, with k weights and N pictures, as
    where exponents are snapped (``training.snap``).

    Args:
        network: whose head has plain weights in the bounds of its unit, as NAU and NMU have; changed in place.
        pictures: ``(N, 1, height, width)``, uint8.
        totals: ``(N,)``.

    Returns:
        Whether they were rounded.
    """
    weights = list(network.network.head.parameters())
    free = [weight.detach().clone() for weight in weights]
    allowed = exp(sum(weight.numel() for weight in free) * log(len(totals)) / len(totals)) * _error(
        network, pictures, totals
    )
    with torch.no_grad():
        for weight in weights:
            weight.copy_(weight.round())
        if _error(network, pictures, totals) <= allowed:
            return True
        for weight, before in zip(weights, free, strict=True):
            weight.copy_(before)
    return False


def _error(network: PictureNetwork, pictures: Tensor, totals: Tensor) -> float:
    with torch.no_grad():
        said = torch.cat([network(part)[:, 0] for part in torch.split(pictures, 256)])
    return float((said - totals).square().mean())
