"""Per-location classification: every location of the feature maps reads a whole number, or nothing.

This project's own. A sum over locations of unbounded features has to be exact at every location to hold for more
locations than were trained on. A class probability becomes a decision in evaluation mode: a location adds a whole
number, and a location without an object adds exactly 0, however many there are. Several locations see one object; 3x3
non-maximum suppression leaves the most confident of them, as in Objects as Points (Zhou et al. 2019,
https://arxiv.org/abs/1904.07850). The loss: ``training.counting.likelihood``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

BACKGROUND_BIAS = 4.0
"""Initial bias of class 0, "nothing": untrained locations read nothing most of the time."""


class LocationClassifier(nn.Module):
    """A 1x1 convolution and a softmax: for each location the probabilities of reading 0, 1, ..., ``highest``.

    Non-maximum suppression sets a location to "nothing" where one of its eight neighbours is more confident; of equally
    confident ones the first is kept, left to right and top to bottom. In evaluation mode the most likely class of a
    location has the probability 1, all others 0. So at most one of four locations that form a square reads a number,
    and they are returned as one.

    Args:
        op_channel: channels of the feature maps.
        highest: the highest number that a location can read, at least 1; class 0 is "nothing".

    Shape:
        maps: ``(batch, op_channel, height, width)``.
        probabilities: ``(batch, highest + 1, height / 2, width / 2)``, rounded up, summing to 1 over the second axis.
    """

    def __init__(self, op_channel: int, highest: int) -> None:
        super().__init__()
        self.logits = nn.Conv2d(op_channel, highest + 1, kernel_size=1)
        with torch.no_grad():
            assert self.logits.bias is not None
            self.logits.bias[0] += BACKGROUND_BIAS

    def forward(self, maps: Tensor) -> Tensor:
        logits: Tensor = self.logits(maps)
        probabilities = logits.softmax(1)
        if not self.training:
            probabilities = (probabilities == probabilities.amax(1, keepdim=True)).float()
        kept = non_maximum_suppression(logits)
        numbers = torch.where(kept, probabilities, torch.zeros_like(probabilities))[:, 1:]
        numbers = functional.max_pool2d(numbers, 2, ceil_mode=True)  # equals the sum: all but one are 0
        return torch.cat([1 - numbers.sum(1, keepdim=True), numbers], 1)


def non_maximum_suppression(logits: Tensor) -> Tensor:
    """Mask of the locations whose confidence exceeds that of their eight neighbours; of equals the first is kept.

    Confidence is the largest logit of a number minus the logit of "nothing".

    Shape:
        logits: ``(batch, highest + 1, height, width)``. result: ``(batch, 1, height, width)``.
    """
    confidence = (logits[:, 1:].amax(1, keepdim=True) - logits[:, :1]).detach()
    around = functional.pad(confidence, (1, 1, 1, 1), value=float("-inf"))
    lines = functional.max_pool2d(around, (1, 3), stride=1)
    before = lines[:, :, :-2].maximum(around[:, :, 1:-1, :-2])
    behind = lines[:, :, 2:].maximum(around[:, :, 1:-1, 2:])
    return (confidence > before) & (confidence >= behind)


def pool_counts(probabilities: Tensor) -> Tensor:
    """How many locations read 1 or more, 2 or more, ..., ``highest`` or more; their sum is the sum of the numbers.

    Shape:
        probabilities: ``(batch, highest + 1, height, width)``. result: ``(batch, highest)``.
    """
    times = probabilities[:, 1:].sum((-2, -1))
    return times.flip(1).cumsum(1).flip(1)


def pool_products(probabilities: Tensor) -> Tensor:
    """For each number k, the product over locations of ``p k + 1 - p``, with p the location's probability of k.

    This is a Neural Multiplication Unit (Madsen and Johansen 2020) whose weights are the probabilities and whose inputs
    are k. The product of the results is the product of the numbers that the locations read.

    Shape:
        probabilities: ``(batch, highest + 1, height, width)``. result: ``(batch, highest)``.
    """
    weights = probabilities[:, 1:].flatten(2)
    less_one = torch.ones_like(weights[0, :, :1]).cumsum(0) - 1  # not arange: a trace would fix its device
    return (weights * less_one + 1).prod(2)
