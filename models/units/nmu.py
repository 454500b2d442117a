"""Neural Multiplication Unit (NMU): multiplies the inputs that its weights select.

Paper: Madsen and Johansen 2020, "Neural Arithmetic Units", https://openreview.net/forum?id=H1gNOeHKPS, section 2.3.
Differs from the paper: nothing.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, product, selected, weight_first
from ..hyperparameters import Hyperparameters
from . import check_sizes


class NMU(nn.Module):
    """Multiplies selected inputs: ``y = prod_i (W_i x_i + 1 - W_i)``. A weight of 1 selects, 0 leaves a factor of 1.

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
    def equation(x: Tensor, W: Tensor, training: bool = False) -> Tensor:  # noqa: ARG004
        """The unit's formula, features first."""
        return product(selected(x, W))

    @staticmethod
    def penalty(W: Tensor) -> Tensor:
        """The paper's sparsity regulariser, ``mean_i min(W_i, 1 - W_i)``."""
        return torch.minimum(W, 1 - W).mean(0)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(features_first(x), W=weight_first(self.W, x), training=self.training)


UNIT = NMU
