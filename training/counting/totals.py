"""What can be told of a picture that holds several digits: how many, their sum, their product."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.counting.likelihood import TotalLikelihood
from training.data.synthetic.scenes import Canvases

Numbers = NDArray[np.float64]

PRIMES = (2, 3, 5, 7)


@dataclass(frozen=True)
class Total:
    """A total of the digits of a picture.

    Args:
        name: of the task and its model.
        summary: one line for people.
        of: the total of each canvas, ``(n,)``.
        head_type: the unit of the head.
        backbone: the CNN, see ``models.backbones``; reading takes many channels, and telling close digits apart places.
        pool: how the head's input is pooled from votes, see ``BuildHead``.
        highest: the highest number that a place of the picture can read.
        lowest_digit: of those in the pictures; a product is of 1 to 9, as in the papers.
        trained: most digits of a picture in training; the least is none.
        cells: smallest and largest side of a training canvas's cells, in pixels; in small ones digits come close.
        tested: numbers of digits that it is measured on.
        amounts: what reading 0, 1, ... adds to the total, and ``periods``: see ``TotalLikelihood``.
        components: the total as such amounts, ``(n, components)``.
    """

    name: str
    summary: str
    of: Callable[[Canvases], Numbers]
    head_type: str
    backbone: str
    pool: str
    highest: int
    lowest_digit: int
    trained: int
    cells: tuple[int, int]
    tested: tuple[int, ...]
    amounts: tuple[tuple[int, ...], ...]
    periods: tuple[int, ...]
    components: Callable[[Tensor], Tensor]

    @cached_property
    def likelihood(self) -> TotalLikelihood:
        return TotalLikelihood(self.amounts, self.periods)

    def log_likelihood(self, votes: Tensor, totals: Tensor) -> Tensor:
        """How likely the totals ``(n,)`` are by these votes, ``(n,)``."""
        return self.likelihood(votes, self.components(totals))


def exponents(totals: Tensor) -> Tensor:
    """How often each of 2, 3, 5 and 7 divides whole numbers without other prime factors: ``(n,)`` to ``(n, 4)``."""
    rest, found = totals.round().long(), []
    for prime in PRIMES:
        count = torch.zeros_like(rest)
        while (divides := (rest % prime == 0) & (rest > 0)).any():
            count, rest = count + divides, torch.where(divides, rest // prime, rest)
        found.append(count)
    return torch.stack(found, 1)


def _whole(totals: Tensor) -> Tensor:
    return totals.round().long()[:, None]


SUM = Total(
    name="digit-sum",
    summary="Sum of the handwritten digits in a picture, each 15 to 20 pixels tall, light on dark or dark on light",
    of=lambda canvases: canvases.sums,
    head_type="NAU",
    backbone="local",
    pool="add-votes",
    highest=9,
    lowest_digit=0,
    trained=3,
    cells=(24, 36),
    tested=(0, 1, 2, 3, 5, 10, 20, 50, 100),
    amounts=tuple((k,) for k in range(10)),
    periods=(64,),
    components=_whole,
)
COUNT = Total(
    name="digit-count",
    summary="How many handwritten digits a picture holds, each 15 to 20 pixels tall, light on dark or dark on light",
    of=lambda canvases: canvases.counts,
    head_type="NAU",
    backbone="fine",
    pool="add-votes",
    highest=1,
    lowest_digit=0,
    trained=3,
    cells=(20, 28),
    tested=(0, 1, 2, 3, 5, 10, 20, 50, 100),
    amounts=((0,), (1,)),
    periods=(32,),
    components=_whole,
)
PRODUCT = Total(
    name="digit-product",
    summary="Product of the handwritten digits 1 to 9 in a picture, each 15 to 20 pixels tall; at most 20 of them",
    of=lambda canvases: canvases.products,
    head_type="NMU",
    backbone="local",
    pool="multiply-votes",
    highest=9,
    lowest_digit=1,
    trained=2,
    cells=(24, 36),
    tested=(0, 1, 2, 3, 5, 10, 15, 20),
    amounts=((0, 0, 0, 0), *(tuple(row) for row in exponents(torch.arange(1, 10)).tolist())),
    periods=(7, 5, 3, 3),
    components=exponents,
)
TOTALS = {total.name: total for total in (SUM, COUNT, PRODUCT)}
