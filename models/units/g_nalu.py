"""Golden-ratio Neural Arithmetic Logic Unit (G-NALU): a NALU whose exponentials have the golden ratio for a base.

Paper: Rana, Malhi and Främling 2019, "Exploring Numerical Calculations with CalcNet",
https://ieeexplore.ieee.org/document/8995315.
Differs from the paper: the exponential of the product is bounded (see ``functional.bounded_exp``). Start values
and eps are those of the Single Module Arithmetic Task.
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import constant, features_first, mix, nac_range, nac_weight, powers, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes

LOG_GOLDEN_RATIO = math.log((1 + math.sqrt(5)) / 2)
"""To base b, tanh(x) and sigmoid(x) are those of x log b to base e; ``b ** (log_b z)`` is z to any base."""


def golden(like: Tensor, log_of_base: float = LOG_GOLDEN_RATIO) -> Tensor:
    """The logarithm of the golden ratio, in the type of a tensor."""
    return constant(log_of_base, like)


class GNALU(nn.Module):
    """Adds or multiplies, as a gate decides for each input: ``y = g * a + (1 - g) * m``.

    - ``W = tanh(W_hat) * sigmoid(M_hat)`` serves both paths; it and the gate have the golden ratio for a base,
    - ``a = W x``, the sum, and ``m = exp(W log(|x| + eps))``, the product of powers; the signs of x are lost,
    - ``g = sigmoid(G x)``, the gate. As G sees the input, the choice can change outside the training range.

    Args:
        in_features: how many numbers come in.
        out_features: how many numbers go out.
        eps: added to every magnitude, so that it has a logarithm. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``.

    Raises:
        ValueError: a size is below 1, or eps is negative.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters()

    def __init__(self, in_features: int, out_features: int, *, eps: float = 1e-7) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.W_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.M_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.G = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W_hat and M_hat anew from U[-r, r], see ``functional.nac_range``, and G Xavier uniform."""
        r = nac_range(self.in_features, self.out_features)
        nn.init.uniform_(self.W_hat, -r, r)
        nn.init.uniform_(self.M_hat, -r, r)
        nn.init.xavier_uniform_(self.G)

    @staticmethod
    def equation(
        x: Tensor,
        W_hat: Tensor,
        M_hat: Tensor,
        G: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = 1e-7,
    ) -> Tensor:
        """The unit's formula, features first."""
        base = golden(x)
        W = nac_weight(base * W_hat, base * M_hat)
        g = torch.sigmoid(base * (G * x).sum(0))
        return mix(g, (W * x).sum(0), powers(x.abs() + eps, W, eps))

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            W_hat=weight_first(self.W_hat, x),
            M_hat=weight_first(self.M_hat, x),
            G=weight_first(self.G, x),
            training=self.training,
            eps=self.eps,
        )


UNIT = GNALU
