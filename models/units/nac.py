"""Neural Accumulator (NAC): a linear layer whose weights are drawn towards -1, 0 and 1.

Paper: Trask et al. 2018, "Neural Arithmetic Logic Units", https://arxiv.org/abs/1808.00508, section 3.
Differs from the paper: nothing; the paper leaves the start values open, here they are Kaiming normal.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..functional import nac_weight
from ..hyperparameters import Hyperparameters
from . import check_sizes


class NAC(nn.Module):
    """Adds and subtracts its inputs: ``y = x W^T`` with ``W = tanh(W_hat) * sigmoid(M_hat)``, and no bias.

    W is computed anew at every forward pass, so W_hat and M_hat are what is trained.

    Args:
        in_features: how many numbers come in.
        out_features: how many sums go out.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``; every entry of W lies in [-1, 1].

    Raises:
        ValueError: a size is below 1.
    """

    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters()

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.W_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.M_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W_hat and M_hat anew, Kaiming normal."""
        nn.init.kaiming_normal_(self.W_hat)
        nn.init.kaiming_normal_(self.M_hat)

    @property
    def W(self) -> Tensor:
        """The effective weight, ``(out_features, in_features)``."""
        return nac_weight(self.W_hat, self.M_hat)

    @staticmethod
    def equation(x: Tensor, W_hat: Tensor, M_hat: Tensor, training: bool = False) -> Tensor:  # noqa: ARG004
        """The unit's formula, features first."""
        return (nac_weight(W_hat, M_hat) * x).sum(0)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.W)


UNIT = NAC
