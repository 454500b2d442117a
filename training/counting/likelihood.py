"""Likelihood of an aggregate, such as a sum, whose parts are read independently at every location.

The sum of independent whole numbers is distributed as the convolution of their distributions. A discrete Fourier
transform turns it into a product over locations, so it costs hardly more than the class probabilities themselves. Its
gradient tells the network which locations should have read what, though only the aggregate is labelled. (This
project's own. It is exact; from the squared error of the expected sum the same CNN learns to read digits many times
more slowly.)
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

MIN_LIKELIHOOD = 1e-5
"""Added to every likelihood, so that one that rounds to 0 has a finite logarithm."""


class AggregateLikelihood:
    """The log-likelihood of aggregates.

    Args:
        contributions: what class 0, 1, ... adds to the aggregate, a vector of whole numbers of 0 or more each: ``[k]``
            for a sum of numbers, the exponents of their prime factors for a product. The first, "nothing", is all 0.
        moduli: aggregates are distinguished modulo these, one for each component; more than the largest aggregate.

    Shape:
        probabilities: ``(batch, classes, height, width)``; see ``models.location_classifier``.
        aggregates: ``(batch, components)``, integers. result: ``(batch,)``.
    """

    def __init__(self, contributions: Sequence[Sequence[int]], moduli: Sequence[int]) -> None:
        grid = torch.cartesian_prod(*(torch.arange(modulus) / modulus for modulus in moduli))
        self.frequencies = grid.view(prod(moduli), -1)
        self.phases = self._phases(torch.tensor(contributions)).conj()

    def __call__(self, probabilities: Tensor, aggregates: Tensor) -> Tensor:
        locations = probabilities.flatten(2).transpose(1, 2)
        spectrum = torch.complex(locations @ self.phases.real, locations @ self.phases.imag).prod(1)
        likelihood = (spectrum * self._phases(aggregates)).real.mean(1)
        return (likelihood.clamp(min=0) + MIN_LIKELIHOOD).log()

    def _phases(self, numbers: Tensor) -> Tensor:
        """``exp(2 pi i <frequency, number>)``, ``(numbers, frequencies)``."""
        angles = 2 * torch.pi * (numbers.float() @ self.frequencies.T)
        return torch.polar(torch.ones_like(angles), angles)
