"""Votes: each place of a picture reads a whole number, or nothing; pooling adds or multiplies what was read.

This project's own. Sums over places of unbounded features have to be exact at every place to hold for more places than
were trained on. A vote is a probability in training and a decision afterwards, so a place adds a whole number, and one
that sees nothing adds exactly nothing, however many there are. One thing is seen by several places, and read by the
surest of them, as peaks are taken from heat maps in Objects as Points (Zhou et al. 2019,
https://arxiv.org/abs/1904.07850). How votes learn: ``training.counting.likelihood``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

NOTHING_FIRST = 4.0
"""Start value of the bias of "nothing": with it places begin by voting for nothing most of the time."""


class Votes(nn.Module):
    """A 1x1 convolution and a softmax: what each place reads, as probabilities of 0, 1, ..., ``highest``.

    A place reads nothing if one of its eight neighbours is surer of what it reads; of equals the first reads, from left
    to right and from the top down. In evaluation mode the most likely reading of a place has the vote 1 and all others
    0. So of four places that form a square one reads at most, and they are answered as one.

    Args:
        op_channel: channels of the feature maps.
        highest: the highest number that a place can read, at least 1; 0 stands for nothing as well.

    Shape:
        maps: ``(batch, op_channel, height, width)``.
        votes: ``(batch, highest + 1, height / 2, width / 2)``, rounded up, summing to 1 over the second axis.
    """

    def __init__(self, op_channel: int, highest: int) -> None:
        super().__init__()
        self.logits = nn.Conv2d(op_channel, highest + 1, kernel_size=1)
        with torch.no_grad():
            assert self.logits.bias is not None
            self.logits.bias[0] += NOTHING_FIRST

    def forward(self, maps: Tensor) -> Tensor:
        logits: Tensor = self.logits(maps)
        votes = logits.softmax(1)
        if not self.training:
            votes = (votes == votes.amax(1, keepdim=True)).float()
        reading = torch.where(peaks(logits), votes, torch.zeros_like(votes))[:, 1:]
        reading = functional.max_pool2d(reading, 2, ceil_mode=True)  # as good as a sum: all but one are 0
        return torch.cat([1 - reading.sum(1, keepdim=True), reading], 1)


def peaks(logits: Tensor) -> Tensor:
    """Which places are surer than their eight neighbours of the best reading that is not nothing, or first of equals.

    Shape:
        logits: ``(batch, highest + 1, height, width)``. result: ``(batch, 1, height, width)``.
    """
    surety = (logits[:, 1:].amax(1, keepdim=True) - logits[:, :1]).detach()
    around = functional.pad(surety, (1, 1, 1, 1), value=float("-inf"))
    lines = functional.max_pool2d(around, (1, 3), stride=1)
    before = lines[:, :, :-2].maximum(around[:, :, 1:-1, :-2])
    behind = lines[:, :, 2:].maximum(around[:, :, 1:-1, 2:])
    return (surety > before) & (surety >= behind)


def add_votes(votes: Tensor) -> Tensor:
    """How many places read 1 or more, 2 or more, ..., ``highest`` or more; the sum of these is the sum of the numbers.

    Shape:
        votes: ``(batch, highest + 1, height, width)``. result: ``(batch, highest)``.
    """
    times = votes[:, 1:].sum((-2, -1))
    return times.flip(1).cumsum(1).flip(1)


def multiply_votes(votes: Tensor) -> Tensor:
    """For each number k, the product over places of ``p k + 1 - p``, where p is the place's vote for it.

    This is a Neural Multiplication Unit (Madsen and Johansen 2020) whose weights are the votes and whose inputs are k.
    The product of the results is the product of the numbers that were read.

    Shape:
        votes: ``(batch, highest + 1, height, width)``. result: ``(batch, highest)``.
    """
    given = votes[:, 1:].flatten(2)
    less_one = torch.ones_like(given[0, :, :1]).cumsum(0) - 1  # not arange: a trace would fix its device
    return (given * less_one + 1).prod(2)
