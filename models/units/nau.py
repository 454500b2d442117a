"""Neural Addition Unit (NAU): adds and subtracts the inputs that its weights select.

Paper: Madsen and Johansen 2020, "Neural Arithmetic Units", https://openreview.net/forum?id=H1gNOeHKPS, section 2.2.
Differs from the paper: nothing.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..functional import nau_range
from ..hyperparameters import Hyperparameters
from . import check_sizes


class NAU(nn.Module):
    """Adds and subtracts: ``y = x W^T`` with W drawn to -1, 0 and 1 by a regulariser instead of by its form.

    Args:
        in_features: how many numbers come in.
        out_features: how many sums go out.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``; every entry of W lies in [-1, 1] while training calls ``BOUNDS``.

    Raises:
        ValueError: a size is below 1.
    """

    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {"W": (-1.0, 1.0)}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(penalty=0.01)

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.W = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W anew from U[-r, r] with ``r = min(1/2, sqrt(6 / (in + out)))``."""
        r = nau_range(self.in_features, self.out_features)
        nn.init.uniform_(self.W, -r, r)

    @staticmethod
    def equation(x: Tensor, W: Tensor, training: bool = False) -> Tensor:  # noqa: ARG004
        """The unit's formula, features first."""
        return (W * x).sum(0)

    @staticmethod
    def penalty(W: Tensor) -> Tensor:
        """The paper's sparsity regulariser, ``mean_i min(|W_i|, 1 - |W_i|)``."""
        return torch.minimum(W.abs(), 1 - W.abs()).mean(0)

    def forward(self, x: Tensor) -> Tensor:
        return functional.linear(x, self.W)


UNIT = NAU
