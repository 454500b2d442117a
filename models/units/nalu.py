"""Neural Arithmetic Logic Unit (NALU): a gate between adding and multiplying.

Paper: Trask et al. 2018, "Neural Arithmetic Logic Units", https://arxiv.org/abs/1808.00508, section 3.
Differs from the paper: the log-space path has weights of its own unless ``shared_weights=True``, so that exponents
such as 1/2 and 2 are within reach; magnitudes and exponents are bounded (see ``functional.power_product``).
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..functional import nac_weight, power_product, powers
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes
from .nac import NAC


class NALU(nn.Module):
    """Adds or multiplies, as a gate decides for each input: ``y = g * a + (1 - g) * m``.

    - ``a = NAC(x)``, the sum,
    - ``m = exp(W log|x|)``, the product of powers; the signs of x are lost,
    - ``g = sigmoid(G x)``, the gate. As G sees the input, the choice can change outside the training range.

    Args:
        in_features: how many numbers come in.
        out_features: how many numbers go out.
        shared_weights: take the NAC's weight for the log-space path too, as the paper does; exponents then lie in
            [-1, 1].
        eps: a magnitude below eps counts as eps. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``.

    Raises:
        ValueError: a size is below 1, or eps is negative.

    ``EXACT_OPTIONS`` are for inference on columns of numbers, ``HEAD_OPTIONS`` for a head behind a CNN: features pass
    through zero, and an eps of 0.1 keeps the logarithm calm there. With 1e-7 the digit model fails to train.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters()
    W: nn.Parameter | None
    __jit_unused_properties__: ClassVar[list[str]] = ["exponents"]

    def __init__(self, in_features: int, out_features: int, *, shared_weights: bool = False, eps: float = 1e-7) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.nac = NAC(in_features, out_features)
        self.G = nn.Parameter(torch.empty(out_features, in_features))
        self.register_parameter("W", None if shared_weights else nn.Parameter(torch.empty(out_features, in_features)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew: the NAC's Kaiming normal, G and W Kaiming uniform."""
        self.nac.reset_parameters()
        for weight in (self.G, self.W):
            if weight is not None:
                nn.init.kaiming_uniform_(weight, a=math.sqrt(5))

    @property
    def exponents(self) -> Tensor:
        """The weights of the log-space path, ``(out_features, in_features)``."""
        return self.nac.W if self.W is None else self.W

    def gate(self, x: Tensor) -> Tensor:
        """Share of the sum in the output: ``(..., out_features)``, in [0, 1]; 1 adds, 0 multiplies."""
        return torch.sigmoid(functional.linear(x, self.G))

    @staticmethod
    def equation(
        x: Tensor,
        W_hat: Tensor,
        M_hat: Tensor,
        G: Tensor,
        W: Tensor | None = None,
        training: bool = False,  # noqa: ARG004
        eps: float = 1e-7,
    ) -> Tensor:
        """The unit's formula, features first; without W the NAC's weight is shared."""
        shared = nac_weight(W_hat, M_hat)
        g = torch.sigmoid((G * x).sum(0))
        return g * (shared * x).sum(0) + (1 - g) * powers(x.abs().clamp_min(eps), shared if W is None else W, eps)

    def forward(self, x: Tensor) -> Tensor:
        g = self.gate(x)
        W = self.W  # a local name, which TorchScript knows not to be None
        product = power_product(x, self.nac.W if W is None else W, self.eps)
        y: Tensor = g * self.nac(x) + (1 - g) * product
        return y


UNIT = NALU
