"""Training of a counting head: the location classifier learns by likelihood, the arithmetic head by squared error.

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
from models.image_network import ImageNetwork
from training.counting.likelihood import AggregateLikelihood
from training.data.collate import predict_images
from training.data.labeled_images import Images
from training.metrics import predict
from training.trainer.bf16 import bf16_maps

LogLikelihood = Callable[[Tensor, Tensor], Tensor]
"""Of probabilities ``(batch, classes, height, width)`` and labels ``(batch,)``: the log-likelihoods, ``(batch,)``."""
MIN_MODULUS = 64


class CountingTraining(nn.Module):
    """A counting network in training: returns class probabilities and head outputs, without gradient between the two.

    So no head changes what the locations read, and several heads can learn side by side from the same locations.

    Args:
        network: with the pool ``"count"`` or ``"product"``.
        heads: further heads beside its own.
    """

    def __init__(self, network: BuildHead, heads: Mapping[str, nn.Module] | None = None) -> None:
        super().__init__()
        self.network = network
        self.others = nn.ModuleDict(dict(heads or {}))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        probabilities = bf16_maps(self.network, x)
        features = self.network.pooled(probabilities.detach())
        heads = (self.network.head, *self.others.values())
        return probabilities, torch.cat([head(features) for head in heads], 1)


class LocationLoss:
    """Mean negative log-likelihood of the labels, plus the heads' errors in units of the labels' spread.

    Args:
        log_likelihood: of the class probabilities.
        spread: standard deviation of the labels.
    """

    def __init__(self, log_likelihood: LogLikelihood, spread: float) -> None:
        self.log_likelihood, self.spread = log_likelihood, spread

    def __call__(self, output: Any, labels: Tensor) -> Tensor:
        probabilities, outputs = output
        error = (outputs - labels[:, None]) / self.spread
        likelihood = self.log_likelihood(probabilities, labels)
        return functional.smooth_l1_loss(error, torch.zeros_like(error)) - likelihood.mean()


def sum_likelihood(highest: int, largest: float) -> LogLikelihood:
    """The likelihood of sums of the numbers that locations read.

    Args:
        highest: the highest number that a location reads.
        largest: of the sums; they are distinguished modulo more than twice that.
    """
    modulus = max(MIN_MODULUS, 2 * round(largest) + 2)
    likelihood = AggregateLikelihood([[number] for number in range(highest + 1)], [modulus])
    return lambda probabilities, sums: likelihood(probabilities, sums.round().long()[:, None])


def snap_head(network: ImageNetwork, images: Images, labels: Tensor) -> bool:
    """Round the head's weights or set them all to 1, whichever is better, unless it is significantly worse than before.

    All 1 is exact where the locations are: the label is the sum or product of the numbers that they read. After a short
    training the locations may be exact and the head still far from 1.

    Significantly: the mean squared error grows by more than ``exp(k ln N / N)``, with k weights and N images, as for
    exponents (``training.symbolic.snap``).

    Args:
        network: its head's weights lie in the bounds of its unit, as those of NAU and NMU; changed in place.
        images: ``(channels, height, width)`` each, uint8, of any sizes.
        labels: ``(N,)``.

    Returns:
        Whether the weights were snapped.
    """
    weights = list(network.network.head.parameters())
    free = [weight.detach().clone() for weight in weights]
    allowed = exp(sum(weight.numel() for weight in free) * log(len(labels)) / len(labels)) * _error(
        network, images, labels
    )
    with torch.no_grad():
        errors = {}
        for snapped in (torch.round, torch.ones_like):
            _set(weights, [snapped(before) for before in free])
            errors[snapped] = _error(network, images, labels)
        best = min(errors, key=lambda snapped: errors[snapped])
        kept = errors[best] <= allowed
        _set(weights, [best(before) if kept else before for before in free])
    return kept


def _set(weights: list[nn.Parameter], values: list[Tensor]) -> None:
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)


def _error(network: ImageNetwork, images: Images, labels: Tensor) -> float:
    predicted = predict_images(partial(predict, network), images)[:, 0]
    return float((torch.from_numpy(predicted) - labels).square().mean())
