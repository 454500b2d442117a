"""Stochastic Neural Multiplication Unit (sNMU): an NMU that trains on noisy inputs and takes the noise out again.

Paper: Mistry, Farrahi and Hare 2022, "Improving the Robustness of Neural Multiplication Units with Reversible
Stochasticity", https://arxiv.org/abs/2211.05624.
Differs from the paper: nothing; of its two noise ranges this is the fixed one, U[1, 5].
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, product, selected, weight_first
from ..hyperparameters import Hyperparameters
from . import check_sizes
from .nmu import NMU

NOISE = (1.0, 5.0)
"""Lowest and highest factor of the noise."""


def noise_like(x: Tensor, low: float = NOISE[0], high: float = NOISE[1]) -> Tensor:
    """A factor for each input."""
    return low + (high - low) * torch.rand_like(x)


class SNMU(nn.Module):
    """Multiplies selected inputs: in training ``y = NMU(x n) / NMU(n)`` with n from U[1, 5], else ``y = NMU(x)``.

    Ideal weights, 0 and 1, cancel the noise; others are moved out of local minima by it. It costs nothing at inference.

    Args:
        in_features: how many numbers come in.
        out_features: how many products go out.

    Shape:
        x: ``(..., in_features)``, any real value; signs are retained.
        y: ``(..., out_features)``; every entry of W lies in [0, 1] while training calls ``BOUNDS``.

    Raises:
        ValueError: a size is below 1.
    """

    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {"W": (0.0, 1.0)}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(penalty=10.0)

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.W = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W anew from U[0.25, 0.75]."""
        nn.init.uniform_(self.W, 0.25, 0.75)

    @staticmethod
    def equation(x: Tensor, W: Tensor, training: bool = False) -> Tensor:
        """The unit's formula, features first; the noise of an input is the same for all outputs."""
        if not training:
            return product(selected(x, W))
        noise = noise_like(x)
        return product(selected(x * noise, W)) / product(selected(noise, W))

    @staticmethod
    def penalty(W: Tensor) -> Tensor:
        """The NMU's sparsity regulariser, ``mean_i min(W_i, 1 - W_i)``."""
        return NMU.penalty(W)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(features_first(x), W=weight_first(self.W, x), training=self.training)


NAME = "sNMU"
UNIT = SNMU
