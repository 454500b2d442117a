"""Training of networks whose places vote: the votes learn from how likely they make the total, the head from its error.

See ``models.location_classifier`` and ``training.counting.likelihood``.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import exp, log
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.head import BuildHead
from models.image_network import PictureNetwork
from training.counting.likelihood import TotalLikelihood
from training.data.collate import Pictures, predict_pictures
from training.metrics import predict
from training.trainer.bf16 import bf16_maps

LogLikelihood = Callable[[Tensor, Tensor], Tensor]
"""Of votes ``(batch, votes, height, width)`` and totals ``(batch,)``: how likely the totals are, ``(batch,)``."""
LEAST_PERIOD = 64


class Voting(nn.Module):
    """A network with votes in training: answers votes and what heads make of them, without gradient between the two.

    So a head cannot bend what is read to its liking, and several heads can learn beside each other from the same
    reading.

    Args:
        network: whose pool is one of votes.
        heads: others beside its own.
    """

    def __init__(self, network: BuildHead, heads: Mapping[str, nn.Module] | None = None) -> None:
        super().__init__()
        self.network = network
        self.others = nn.ModuleDict(dict(heads or {}))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        votes = bf16_maps(self.network, x)
        features = self.network.pooled(votes.detach())
        heads = (self.network.head, *self.others.values())
        return votes, torch.cat([head(features) for head in heads], 1)


class VoteLoss:
    """Mean negative log-likelihood of the totals, and the heads' errors in units of the totals' spread.

    Args:
        log_likelihood: of the votes.
        spread: standard deviation of the totals.
    """

    def __init__(self, log_likelihood: LogLikelihood, spread: float) -> None:
        self.log_likelihood, self.spread = log_likelihood, spread

    def __call__(self, output: Any, totals: Tensor) -> Tensor:
        votes, answers = output
        error = (answers - totals[:, None]) / self.spread
        return functional.smooth_l1_loss(error, torch.zeros_like(error)) - self.log_likelihood(votes, totals).mean()


def sum_likelihood(highest: int, largest: float) -> LogLikelihood:
    """The likelihood of sums of what places read.

    Args:
        highest: the highest number that a place reads.
        largest: of the sums. Sums are told apart modulo more than twice that.
    """
    period = max(LEAST_PERIOD, 2 * round(largest) + 2)
    likelihood = TotalLikelihood([[number] for number in range(highest + 1)], [period])
    return lambda votes, totals: likelihood(votes, totals.round().long()[:, None])


def snap_head(network: PictureNetwork, pictures: Pictures, totals: Tensor) -> bool:
    """Round the head's weights or make them all 1, whichever is better, if it is not significantly worse than before.

    All 1 is what votes call for: the total is the sum or product of what places read. A short training may leave the
    head far from it and the votes exact.

    Significantly: the mean squared error grows by more than ``exp(k ln N / N)``, with k weights and N pictures, as
    where exponents are snapped (``training.symbolic.snap``).

    Args:
        network: whose head has plain weights in the bounds of its unit, as NAU and NMU have; changed in place.
        pictures: ``(channels, height, width)`` each, uint8, of any sizes.
        totals: ``(N,)``.

    Returns:
        Whether they were snapped.
    """
    weights = list(network.network.head.parameters())
    free = [weight.detach().clone() for weight in weights]
    allowed = exp(sum(weight.numel() for weight in free) * log(len(totals)) / len(totals)) * _error(
        network, pictures, totals
    )
    with torch.no_grad():
        errors = {}
        for snapped in (torch.round, torch.ones_like):
            _set(weights, [snapped(before) for before in free])
            errors[snapped] = _error(network, pictures, totals)
        best = min(errors, key=lambda snapped: errors[snapped])
        kept = errors[best] <= allowed
        _set(weights, [best(before) if kept else before for before in free])
    return kept


def _set(weights: list[nn.Parameter], values: list[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)


def _error(network: PictureNetwork, pictures: Pictures, totals: Tensor) -> float:
    said = predict_pictures(partial(predict, network), pictures)[:, 0]
    return float((torch.from_numpy(said) - totals).square().mean())
