"""Multiplicative Neural Accumulator (NAC-dot): the path of a NALU that multiplies, alone.

Paper: Trask et al. 2018, "Neural Arithmetic Logic Units", https://arxiv.org/abs/1808.00508, section 3; as a unit of its
own in Madsen and Johansen 2020, "Neural Arithmetic Units", https://openreview.net/forum?id=H1gNOeHKPS, whose start
values and eps are taken.
Differs from the paper: the exponential is bounded (see ``functional.bounded_exp``).
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, nac_range, nac_weight, powers, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes


class NACDot(nn.Module):
    """Multiplies and divides magnitudes: ``y = exp(W log(|x| + eps))`` with ``W = tanh(W_hat) * sigmoid(M_hat)``.

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
        self.M_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W_hat and M_hat anew from U[-r, r], see ``functional.nac_range``."""
        r = nac_range(self.in_features, self.out_features)
        nn.init.uniform_(self.W_hat, -r, r)
        nn.init.uniform_(self.M_hat, -r, r)

    @property
    def W(self) -> Tensor:
        """The exponents, ``(out_features, in_features)``, in [-1, 1]."""
        return nac_weight(self.W_hat, self.M_hat)

    @staticmethod
    def equation(
        x: Tensor,
        W_hat: Tensor,
        M_hat: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = 1e-7,
    ) -> Tensor:
        """The unit's formula, features first."""
        return powers(x.abs() + eps, nac_weight(W_hat, M_hat), eps)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            W_hat=weight_first(self.W_hat, x),
            M_hat=weight_first(self.M_hat, x),
            training=self.training,
            eps=self.eps,
        )


NAME = "NAC-dot"
UNIT = NACDot
