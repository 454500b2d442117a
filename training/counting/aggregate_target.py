"""The aggregates that are learned from images of several digits: count, sum and product."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from models.arrays import FloatArray
from models.head import Pool
from training.counting.likelihood import AggregateLikelihood
from training.data.synthetic.scenes import Scenes

PRIMES = (2, 3, 5, 7)


@dataclass(frozen=True)
class AggregateTarget:
    """An aggregate of the digits of an image, the only label, and the network that learns it.

    Args:
        name: of the task and its model.
        summary: one line for the manifest.
        label: computes the aggregate of each scene, ``(n,)``.
        head_type: the unit of the head.
        backbone: the CNN, see ``models.backbones``; reading digits takes many channels, separating close digits a small
            stride.
        pool: ``"count"`` or ``"product"``, see ``BuildHead``.
        highest: the highest number that a location can read.
        lowest_digit: of the digits used; products are of 1 to 9, as in the papers.
        max_train_count: most digits of an image in training; the fewest is none.
        cell_sizes: smallest and largest side of a training scene's cells, in pixels; in small ones digits come close.
        test_counts: numbers of digits that it is measured on.
        contributions: what reading 0, 1, ... adds to the aggregate; see ``AggregateLikelihood``.
        moduli: see ``AggregateLikelihood``.
        components: an aggregate as the sum of such contributions, ``(n,)`` to ``(n, components)``.
    """

    name: str
    summary: str
    label: Callable[[Scenes], FloatArray]
    head_type: str
    backbone: str
    pool: Pool
    highest: int
    lowest_digit: int
    max_train_count: int
    cell_sizes: tuple[int, int]
    test_counts: tuple[int, ...]
    contributions: tuple[tuple[int, ...], ...]
    moduli: tuple[int, ...]
    components: Callable[[Tensor], Tensor]

    @cached_property
    def likelihood(self) -> AggregateLikelihood:
        return AggregateLikelihood(self.contributions, self.moduli)

    def log_likelihood(self, probabilities: Tensor, labels: Tensor) -> Tensor:
        """Log-likelihood of the labels ``(n,)`` under per-location probabilities, ``(n,)``."""
        return self.likelihood(probabilities, self.components(labels))


def exponents(products: Tensor) -> Tensor:
    """Exponents of 2, 3, 5 and 7 in whole numbers without other prime factors: ``(n,)`` to ``(n, 4)``."""
    rest, found = products.round().long(), []
    for prime in PRIMES:
        count = torch.zeros_like(rest)
        while (divides := (rest % prime == 0) & (rest > 0)).any():
            count, rest = count + divides, torch.where(divides, rest // prime, rest)
        found.append(count)
    return torch.stack(found, 1)


def _whole(labels: Tensor) -> Tensor:
    return labels.round().long()[:, None]


SUM = AggregateTarget(
    name="digit-sum",
    summary="Sum of the handwritten digits in an image, each 15 to 20 pixels tall, light on dark or dark on light",
    label=lambda scenes: scenes.sums,
    head_type="NAU",
    backbone="local",
    pool="count",
    highest=9,
    lowest_digit=0,
    max_train_count=3,
    cell_sizes=(24, 36),
    test_counts=(0, 1, 2, 3, 5, 10, 20, 50, 100),
    contributions=tuple((k,) for k in range(10)),
    moduli=(64,),
    components=_whole,
)
COUNT = AggregateTarget(
    name="digit-count",
    summary="How many handwritten digits an image holds, each 15 to 20 pixels tall, light on dark or dark on light",
    label=lambda scenes: scenes.counts,
    head_type="NAU",
    backbone="fine",
    pool="count",
    highest=1,
    lowest_digit=0,
    max_train_count=3,
    cell_sizes=(20, 28),
    test_counts=(0, 1, 2, 3, 5, 10, 20, 50, 100),
    contributions=((0,), (1,)),
    moduli=(32,),
    components=_whole,
)
PRODUCT = AggregateTarget(
    name="digit-product",
    summary="Product of the handwritten digits 1 to 9 in an image, each 15 to 20 pixels tall; at most 20 of them",
    label=lambda scenes: scenes.products,
    head_type="NMU",
    backbone="local",
    pool="product",
    highest=9,
    lowest_digit=1,
    max_train_count=2,
    cell_sizes=(24, 36),
    test_counts=(0, 1, 2, 3, 5, 10, 15, 20),
    contributions=((0, 0, 0, 0), *(tuple(row) for row in exponents(torch.arange(1, 10)).tolist())),
    moduli=(7, 5, 3, 3),
    components=exponents,
)
TARGETS = {target.name: target for target in (SUM, COUNT, PRODUCT)}
