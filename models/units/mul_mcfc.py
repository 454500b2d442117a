"""Multiplicative MC-FC (MulMCFC): an MC-FC over logarithms, so that it multiplies.

Paper: Hoedt et al. 2021, "MC-LSTM: Mass-Conserving LSTM", https://arxiv.org/abs/2101.05186, and its code,
https://github.com/hoedt/stable-nalu. There it takes positive numbers alone; the sign is that of iNALU, as added in
2023 by https://github.com/bmistry4/nalm-benchmark (``MulMCFCSignINALU``), whose published rates it has.
Differs from the paper: the exponential is bounded (see ``functional.bounded_exp``), a magnitude below eps counts
as eps, zero has a positive sign, and the regulariser ends (see ``units.mcfc``).
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import is_negative, powers, product, rows_of, selected
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes
from .mcfc import MCFC, reset_mass, shares


class MulMCFC(nn.Module):
    """Multiplies: ``y = exp(o * (log|x| R) + c) * s``, with R and o as in an MC-FC and the sign s.

    ``s = prod_i (sign(x_i) R_i + 1 - R_i)``, where R is the share of an input that an output gets.

    Args:
        in_features: how many numbers come in.
        out_features: how many products go out.
        trash: one more output takes its share and is dropped, so that inputs can be left out, as the paper has it.
            Without it, as in the published benchmark, an input's shares of all outputs sum to 1.
        eps: a magnitude below eps counts as eps. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``. R_hat is ``(out_features, in_features)``,
            with one row more for the trash; w, b and c are ``(out_features,)``.

    Raises:
        ValueError: a size is below 1, or eps is negative.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(penalty=10.0)

    def __init__(self, in_features: int, out_features: int, *, trash: bool = False, eps: float = 1e-7) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.R_hat = nn.Parameter(torch.empty(out_features + trash, in_features))
        self.w = nn.Parameter(torch.empty(out_features))
        self.b = nn.Parameter(torch.empty(out_features))
        self.c = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, those of the MC-FC as there, and set c to zero."""
        reset_mass(self.R_hat, self.w, self.b)
        nn.init.zeros_(self.c)

    @property
    def W(self) -> Tensor:
        """The exponents, ``(out_features, in_features)``, in [0, 1]."""
        return MCFC.selectors(self.R_hat.t(), self.w, self.b).t()

    @staticmethod
    def selectors(R_hat: Tensor, w: Tensor, b: Tensor, c: Tensor) -> Tensor:  # noqa: ARG004
        """Gates times shares, without the trash; outputs are the second axis."""
        return MCFC.selectors(R_hat, w, b)

    @staticmethod
    def equation(
        x: Tensor,
        R_hat: Tensor,
        w: Tensor,
        b: Tensor,
        c: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = 1e-7,
    ) -> Tensor:
        """The unit's formula, features first and outputs second."""
        R = shares(R_hat)[:, : w.shape[0]]
        sign = product(selected(1 - 2 * is_negative(x), R))
        return powers(x.abs().clamp_min(eps), torch.sigmoid(w + b) * R, eps) * torch.exp(c) * sign

    @staticmethod
    def penalty(R_hat: Tensor, w: Tensor, b: Tensor, c: Tensor) -> Tensor:  # noqa: ARG004
        """The regulariser of the MC-FC."""
        return MCFC.penalty(R_hat, w, b)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape([-1, self.in_features]).t().unsqueeze(1)
        y = self.equation(
            rows,
            R_hat=self.R_hat.t().unsqueeze(-1),
            w=self.w.unsqueeze(-1),
            b=self.b.unsqueeze(-1),
            c=self.c.unsqueeze(-1),
            training=self.training,
            eps=self.eps,
        )
        return rows_of(y, x)


NAME = "MulMCFC"
UNIT = MulMCFC
