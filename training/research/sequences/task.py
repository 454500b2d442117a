"""What is asked of a sequence of digits, how long the sequences are, and what a solved arithmetic would say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from training.counting.likelihood import AggregateLikelihood
from training.counting.totals import COUNT, PRODUCT, SUM, AggregateTarget

Combine = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class SequenceTask:
    """One task.

    Args:
        digits: that occur in the sequences.
        train_length: of the sequences to learn from; their result is the only label.
        lengths: of the sequences to be tested on, in ascending order.
        start: the result of no digits at all, and the unit's first state.
        combine: takes a result so far, and the values of one more digit, to the next result.
        outputs: how many numbers the CNN says of a digit; the result has as many.
        orders: in how many orders a batch of pictures is cut into sequences; the CNN reads each picture once.
        epochs: of training.
        digits_total: what of ``training.counting.totals`` an output of the result is, for ``log_likelihood``.
    """

    digits: tuple[int, ...]
    train_length: int
    lengths: tuple[int, ...]
    start: float
    combine: Combine
    outputs: int = 1
    orders: int = 16
    epochs: int = 12
    digits_total: AggregateTarget = SUM

    def values(self, digits: Tensor) -> Tensor:
        """What an ideal CNN says of digits: themselves, or for ten outputs which one it is: ``(..., outputs)``."""
        if self.outputs == 1:
            return digits.double().unsqueeze(-1)
        return functional.one_hot(digits.long(), self.outputs).double()

    @cached_property
    def likelihood(self) -> AggregateLikelihood:
        """Of one output and ``train_length`` digits; each votes for one of ``digits``, or for being what is counted."""
        contributions: Sequence[Sequence[int]] = self.digits_total.contributions
        if self.outputs == 1:
            contributions = [contributions[digit] for digit in self.digits]
        moduli = [self.train_length * max(column) + 1 for column in zip(*contributions, strict=True)]
        return AggregateLikelihood(contributions, moduli)

    def log_likelihood(self, votes: Tensor, totals: Tensor) -> Tensor:
        """How likely votes make the results; of several outputs, as if each were counted by itself.

        Shape:
            votes: ``(sequences, digits, 1, length)``. totals: ``(sequences, outputs)``. result: ``(sequences,)``.
        """
        if self.outputs > 1:
            counted = votes.flatten(0, 1)
            votes = torch.stack([1 - counted, counted], 1)
        found = self.likelihood(votes, self.digits_total.components(totals.flatten()))
        return found.view(-1, self.outputs).sum(1)

    def first(self, sequences: int, like: Tensor) -> Tensor:
        """The result of no digits, ``(sequences, outputs)``, in a tensor's type."""
        return like.new_full((sequences, self.outputs), self.start)

    def total(self, z: Tensor) -> Tensor:
        """The exact result over values ``(sequences, length, outputs)``: ``(sequences, outputs)``."""
        result = self.first(len(z), z)
        for values in z.unbind(1):
            result = self.combine(result, values)
        return result


_SUM = (1, 10, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)

SEQUENCE_TASKS = {
    "sum": SequenceTask(tuple(range(10)), 10, _SUM, 0.0, torch.add),
    "count": SequenceTask(tuple(range(10)), 10, (1, 10, 100, 1000), 0.0, torch.add, outputs=10, digits_total=COUNT),
    "product": SequenceTask(
        tuple(range(1, 10)), 2, tuple(range(1, 21)), 1.0, torch.mul, orders=8, epochs=7, digits_total=PRODUCT
    ),
}
