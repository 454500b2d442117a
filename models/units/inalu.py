"""Improved Neural Arithmetic Logic Unit (iNALU): a NALU with two sets of weights, a fixed gate and the right sign.

Paper: Schlör, Ring and Hotho 2020, "iNALU: Improved Neural Arithmetic Logic Unit",
https://www.frontiersin.org/articles/10.3389/frai.2020.00071/full; the variant with independent weights.
Differs from the paper: zero has a positive sign. The training settings and start values are those of the Single Module
Arithmetic Task, which trains all weights together; restarts draw from the start values.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import exact_powers, features_first, is_negative, mix, nac_weight, product, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes

SATURATED = 20.0
"""The regulariser ends at weights of this size: the paper's t, whose 1/t is in ``HYPERPARAMETERS``."""


class INALU(nn.Module):
    """Adds or multiplies, as a gate decides for all inputs alike: ``y = sigmoid(g) a + (1 - sigmoid(g)) m s``.

    - ``a = W_a x``, the sum, with ``W_a = tanh(W_a_hat) * sigmoid(M_a_hat)``,
    - ``m = exp(min(W_m log(max(|x|, eps)), omega))``, the product of powers, with W_m made likewise,
    - ``s = prod_i (sign(x_i) |W_m,i| + 1 - |W_m,i|)``, its sign.

    Args:
        in_features: how many numbers come in.
        out_features: how many numbers go out.
        eps: a magnitude below eps counts as eps. 0 makes the unit exact at zero and lifts omega, for inference only.
        omega: largest exponent.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``. The gate g is ``(out_features,)``.

    Raises:
        ValueError: a size is below 1, or eps is negative.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(
        penalty=0.05, ramp=(10_000, 10_000), penalty_below=1.0, clip_value=0.1, restart=True
    )

    def __init__(self, in_features: int, out_features: int, *, eps: float = 1e-7, omega: float = 20.0) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.omega = omega
        self.W_a_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.M_a_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.W_m_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.M_m_hat = nn.Parameter(torch.empty(out_features, in_features))
        self.g = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew: W_a_hat and W_m_hat around 0.88, M_a_hat and M_m_hat around 0.5, g around 0."""
        for W_hat, M_hat in ((self.W_a_hat, self.M_a_hat), (self.W_m_hat, self.M_m_hat)):
            nn.init.normal_(W_hat, 0.88, 0.2)
            nn.init.normal_(M_hat, 0.5, 0.2)
        nn.init.normal_(self.g, 0.0, 0.2)

    @staticmethod
    def equation(
        x: Tensor,
        W_a_hat: Tensor,
        M_a_hat: Tensor,
        W_m_hat: Tensor,
        M_m_hat: Tensor,
        g: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = 1e-7,
        omega: float = 20.0,
    ) -> Tensor:
        """The unit's formula, features first."""
        W_m = nac_weight(W_m_hat, M_m_hat)
        if eps == 0:
            m = exact_powers(x.abs(), W_m)
        else:
            m = (W_m * x.abs().clamp_min(eps).log()).sum(0).clamp_max(omega).exp()
        s = product(1 - 2 * is_negative(x) * W_m.abs())  # sign(x) |W| + 1 - |W|
        return mix(torch.sigmoid(g), (nac_weight(W_a_hat, M_a_hat) * x).sum(0), m * s)

    @staticmethod
    def penalty(W_a_hat: Tensor, M_a_hat: Tensor, W_m_hat: Tensor, M_m_hat: Tensor, g: Tensor) -> Tensor:
        """The paper's sparsity regulariser, ``mean max(20 - |w|, 0)`` of each weight w, added up."""
        matrices = torch.stack((W_a_hat, M_a_hat, W_m_hat, M_m_hat))
        return (SATURATED - matrices.abs()).relu().mean(1).sum(0) + (SATURATED - g.abs()).relu()

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            W_a_hat=weight_first(self.W_a_hat, x),
            M_a_hat=weight_first(self.M_a_hat, x),
            W_m_hat=weight_first(self.W_m_hat, x),
            M_m_hat=weight_first(self.M_m_hat, x),
            g=weight_first(self.g, x),
            training=self.training,
            eps=self.eps,
            omega=self.omega,
        )


NAME = "iNALU"
UNIT = INALU
