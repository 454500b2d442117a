"""How likely a total is, when every place of a picture votes for a number by itself.

The total of independent whole numbers is distributed as the convolution of their distributions. Fourier turns it into
a product over places, so it costs hardly more than the votes themselves, and its gradient tells a network which
places should have read what, though only the total is known. (This project's own; it is exact, unlike a squared error
of the expected total, from which the same CNN learns to read digits many times more slowly.)
"""

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

LEAST = 1e-5
"""Added to a likelihood, so that one that rounds to 0 has a finite logarithm."""


class TotalLikelihood:
    """The log-likelihood of totals.

    Args:
        amounts: what a vote for 0, 1, ... adds to the total, a vector of whole numbers of 0 or more each: ``[k]`` for
            a sum of numbers, the exponents of their prime factors for a product. The first, nothing, is all 0.
        periods: totals are told apart modulo these, one for each component; more than the largest total.

    Shape:
        votes: ``(batch, votes, height, width)``, probabilities; see ``models.location_classifier``.
        totals: ``(batch, components)``, integers. result: ``(batch,)``.
    """

    def __init__(self, amounts: Sequence[Sequence[int]], periods: Sequence[int]) -> None:
        self.waves = torch.cartesian_prod(*(torch.arange(period) / period for period in periods)).view(
            prod(periods), -1
        )
        self.turns = self._turns(torch.tensor(amounts)).conj()

    def __call__(self, votes: Tensor, totals: Tensor) -> Tensor:
        seen = votes.flatten(2).transpose(1, 2)
        spectrum = torch.complex(seen @ self.turns.real, seen @ self.turns.imag).prod(1)
        likelihood = (spectrum * self._turns(totals)).real.mean(1)
        return (likelihood.clamp(min=0) + LEAST).log()

    def _turns(self, numbers: Tensor) -> Tensor:
        """``exp(2 pi i <wave, number>)``, ``(numbers, waves)``."""
        angles = 2 * torch.pi * (numbers.float() @ self.waves.T)
        return torch.polar(torch.ones_like(angles), angles)
