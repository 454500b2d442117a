"""Neural Multiplicative Reciprocal Unit (NMRU): an NMU that also chooses from the reciprocals of its inputs.

Paper: Mistry, Farrahi and Hare 2022, "Exploring the Learning Mechanisms of Neural Division Modules",
https://arxiv.org/abs/2110.05177.
Differs from the paper: a magnitude below eps counts as eps, in its reciprocal; there eps is added to x before its
reciprocal is taken, in training alone, which is infinite at ``x = -eps`` and in evaluation at 0.
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import (
    FLOAT32_EPS,
    constant,
    features_first,
    is_negative,
    is_negligible,
    product,
    selected,
    weight_first,
)
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes
from .nmu import NMU


class NMRU(nn.Module):
    """Multiplies and divides: ``y = prod_j (W_j |z_j| + 1 - W_j) * cos(sum_j W_j k_j)`` over ``z = [x, 1/x]``.

    k is pi for negative inputs and 0 for others, which gives the product its sign.

    Args:
        in_features: how many numbers come in.
        out_features: how many products go out.
        eps: a magnitude below eps counts as eps, in its reciprocal. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``. W is ``(out_features, 2 * in_features)``, the
            weights of x first, then those of 1/x; its entries lie in [0, 1] while training calls ``BOUNDS``.

    Raises:
        ValueError: a size is below 1, or eps is negative.

    In a head an eps of 0.5 keeps a product of many features near zero within bounds.
    """

    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {"W": (0.0, 1.0)}
    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.5}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(learning_rate=1e-2, penalty=10.0, clip_norm=1.0)

    def __init__(self, in_features: int, out_features: int, *, eps: float = FLOAT32_EPS) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.W = nn.Parameter(torch.empty(out_features, 2 * in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W anew from U[0.25, 0.75]."""
        nn.init.uniform_(self.W, 0.25, 0.75)

    @staticmethod
    def equation(
        x: Tensor,
        W: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = FLOAT32_EPS,
    ) -> Tensor:
        """The unit's formula, features first; W has twice the features of x."""
        z = torch.cat((x.abs(), x.abs().clamp_min(eps).reciprocal()))
        k = constant(math.pi, x) * is_negative(torch.cat((x, x)))
        factors = selected(z, W)
        if eps == 0:  # an infinite reciprocal that is not selected
            factors = torch.where(is_negligible(W), 1.0, factors)
        return product(factors) * torch.cos((W * k).sum(0))

    @staticmethod
    def penalty(W: Tensor) -> Tensor:
        """The NMU's sparsity regulariser, ``mean_j min(W_j, 1 - W_j)``."""
        return NMU.penalty(W)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(features_first(x), W=weight_first(self.W, x), training=self.training, eps=self.eps)


UNIT = NMRU
