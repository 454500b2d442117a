"""The tasks on sequences of digits: lengths, exact results and their likelihood."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from training.counting.aggregate_target import COUNT, PRODUCT, SUM, AggregateTarget
from training.counting.likelihood import AggregateLikelihood

Combine = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class SequenceTask:
    """One task.

    Args:
        digits: that occur in the sequences.
        train_length: of the training sequences, whose result is their only label.
        lengths: of the test sequences, in ascending order.
        start: the result of no digits at all, and the unit's first state.
        combine: maps a result so far and the values of one more digit to the next result.
        outputs: numbers that the CNN predicts for a digit; the result has as many.
        orders: random orders in which a batch of images is cut into sequences; the CNN reads each image once.
        epochs: of training.
        target: the ``AggregateTarget`` of each output, for ``log_likelihood``.
    """

    digits: tuple[int, ...]
    train_length: int
    lengths: tuple[int, ...]
    start: float
    combine: Combine
    outputs: int = 1
    orders: int = 16
    epochs: int = 12
    target: AggregateTarget = SUM

    def values(self, digits: Tensor) -> Tensor:
        """Predictions of an ideal CNN, ``(..., outputs)``: the digits, or for ten outputs one-hot classes."""
        if self.outputs == 1:
            return digits.double().unsqueeze(-1)
        return functional.one_hot(digits.long(), self.outputs).double()

    @cached_property
    def likelihood(self) -> AggregateLikelihood:
        """Of one output and ``train_length`` digits, each classified as one of ``digits``, or as counted or not."""
        contributions: Sequence[Sequence[int]] = self.target.contributions
        if self.outputs == 1:
            contributions = [contributions[digit] for digit in self.digits]
        moduli = [self.train_length * max(column) + 1 for column in zip(*contributions, strict=True)]
        return AggregateLikelihood(contributions, moduli)

    def log_likelihood(self, probabilities: Tensor, totals: Tensor) -> Tensor:
        """Log-likelihood of results under class probabilities; several outputs count as independent.

        Shape:
            probabilities: ``(sequences, digits, 1, length)``. totals: ``(sequences, outputs)``. result:
            ``(sequences,)``.
        """
        if self.outputs > 1:
            counted = probabilities.flatten(0, 1)
            probabilities = torch.stack([1 - counted, counted], 1)
        found = self.likelihood(probabilities, self.target.components(totals.flatten()))
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
    "count": SequenceTask(tuple(range(10)), 10, (1, 10, 100, 1000), 0.0, torch.add, outputs=10, target=COUNT),
    "product": SequenceTask(
        tuple(range(1, 10)), 2, tuple(range(1, 21)), 1.0, torch.mul, orders=8, epochs=7, target=PRODUCT
    ),
}
