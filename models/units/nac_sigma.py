"""NAC-sigma: a NAC-dot whose exponents lie between 0 and 1, so that it multiplies and cannot divide.

Paper: Madsen and Johansen 2020, "Neural Arithmetic Units", https://openreview.net/forum?id=H1gNOeHKPS, section 4.1, as
``NAC.,sigma``; start values and eps are those of its code, https://github.com/AndreasMadsen/stable-nalu.
Differs from the paper: the exponential is bounded (see ``functional.bounded_exp``). The training settings are
those of the Single Module Arithmetic Task.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, powers, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes


class NACSigma(nn.Module):
    """Multiplies magnitudes: ``y = exp(W log(|x| + eps))`` with ``W = sigmoid(W_hat)``.

    Args:
        in_features: how many numbers come in.
        out_features: how many products go out.
        eps: added to every magnitude, so that it has a logarithm. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value; the signs are lost.
        y: ``(..., out_features)``, 0 or more, finite for finite x while ``eps > 0``.

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
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W_hat anew, Xavier normal."""
        nn.init.xavier_normal_(self.W_hat)

    @staticmethod
    def selectors(W_hat: Tensor) -> Tensor:
        """The exponents, in (0, 1)."""
        return torch.sigmoid(W_hat)

    @staticmethod
    def equation(
        x: Tensor,
        W_hat: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = 1e-7,
    ) -> Tensor:
        """The unit's formula, features first."""
        return powers(x.abs() + eps, torch.sigmoid(W_hat), eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(features_first(x), W_hat=weight_first(self.W_hat, x), training=self.training, eps=self.eps)


NAME = "NAC-sigma"
UNIT = NACSigma
