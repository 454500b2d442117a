"""Neural Power Unit (NPU): products of powers with complex exponents, of the inputs that a gate selects.

Paper: Heim, Pevny and Smidl 2020, "Neural Power Units", https://arxiv.org/abs/2006.01681, section 3.
Differs from the paper: the exponential is bounded (see ``functional.bounded_exp``). The training settings are
those of the Single Module Arithmetic Task.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import (
    FLOAT32_EPS,
    bounded_exp,
    exact_powers,
    features_first,
    gated_polar,
    smallest_normal,
    weight_first,
)
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes


class NPU(nn.Module):
    """Multiplies, divides, takes powers and roots: ``y = exp(W_r log r - W_i k) * cos(W_r k + W_i log r)``.

    That is the real part of ``x ** (W_r + i W_i)``, written without complex numbers:

    - ``r = g (|x| + eps) + 1 - g`` is the magnitude, with g clamped to [0, 1]: a gate of 0 makes a 1 of any input,
    - ``k = g pi`` for negative inputs and 0 for others is the angle. Whole exponents keep the sign right.

    Args:
        in_features: how many numbers come in.
        out_features: how many products go out.
        eps: added to every magnitude, so that it has a logarithm. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``. The gate g is ``(1, in_features)``.

    Raises:
        ValueError: a size is below 1, or eps is negative.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(
        learning_rate=5e-3, l1=(1e-7, 1e-5), by_operation={"divide": {"l1": (1e-9, 1e-7)}}
    )

    def __init__(self, in_features: int, out_features: int, *, eps: float = FLOAT32_EPS) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.W_r = nn.Parameter(torch.empty(out_features, in_features))
        self.W_i = nn.Parameter(torch.empty(out_features, in_features))
        self.g = nn.Parameter(torch.empty(1, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W_r anew, Xavier uniform; W_i starts at 0 and every gate halfway open."""
        nn.init.xavier_uniform_(self.W_r)
        nn.init.zeros_(self.W_i)
        nn.init.constant_(self.g, 0.5)

    @staticmethod
    def equation(
        x: Tensor,
        W_r: Tensor,
        W_i: Tensor,
        g: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = FLOAT32_EPS,
    ) -> Tensor:
        """The unit's formula, features first."""
        r, k = gated_polar(x, g, eps)
        log_r = r.clamp_min(smallest_normal(x.dtype)).log()  # finite at 0, so that a W_i of 0 ignores it
        turn = torch.cos((W_r * k + W_i * log_r).sum(0))
        if eps == 0:
            return exact_powers(r, W_r) * torch.exp(-(W_i * k).sum(0)) * turn
        return bounded_exp((W_r * log_r - W_i * k).sum(0)) * turn

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            W_r=weight_first(self.W_r, x),
            W_i=weight_first(self.W_i, x),
            g=weight_first(self.g, x),
            training=self.training,
            eps=self.eps,
        )


UNIT = NPU
