"""Real Neural Power Unit (RealNPU): products of powers with the sign, of the inputs that a gate selects.

Paper: Heim, Pevny and Smidl 2020, "Neural Power Units", https://arxiv.org/abs/2006.01681, section 3. Variant
``modified``: Mistry, Farrahi and Hare 2022, "Exploring the Learning Mechanisms of Neural Division Modules",
https://arxiv.org/abs/2110.05177.
Differs from the paper: the exponential is bounded (see ``functional.bounded_exp``). The training settings are
those of the Single Module Arithmetic Task.
"""

from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import FLOAT32_EPS, features_first, gated_polar, nau_range, powers, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes


class RealNPU(nn.Module):
    """Multiplies, divides and takes powers and roots: ``y = exp(W log r) * cos(W k)``, the real part of ``x ** W``.

    - ``r = g (|x| + eps) + 1 - g`` is the magnitude, with g clamped to [0, 1]: a gate of 0 makes a 1 of any input,
    - ``k = g pi`` for negative inputs and 0 for others is the angle. Whole exponents keep the sign right.

    Args:
        in_features: how many numbers come in.
        out_features: how many products go out.
        modified: train as the division paper does: W starts like a NAU's and both W and g have bounds and the
            penalty that draws them to -1 and 1, and to 0 and 1.
        eps: added to every magnitude, so that it has a logarithm. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``. The gate g is ``(1, in_features)``.

    Raises:
        ValueError: a size is below 1, or eps is negative.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: Hyperparameters = Hyperparameters(
        learning_rate=5e-3, l1=(1e-7, 1e-5), by_operation={"divide": {"l1": (1e-9, 1e-7)}}
    )
    BOUNDS: dict[str, tuple[float, float]]
    __jit_ignored_attributes__: ClassVar[list[str]] = ["HYPERPARAMETERS"]

    def __init__(
        self, in_features: int, out_features: int, *, modified: bool = False, eps: float = FLOAT32_EPS
    ) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.modified = modified
        self.eps = eps
        self.BOUNDS = {"W": (-1.0, 1.0), "g": (0.0, 1.0)} if modified else {}
        if modified:
            self.HYPERPARAMETERS = replace(self.HYPERPARAMETERS, penalty=1.0, ramp=(40_000, 50_000))
        self.W = nn.Parameter(torch.empty(out_features, in_features))
        self.g = nn.Parameter(torch.empty(1, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W anew, Xavier uniform or, modified, like a NAU's, and open every gate halfway."""
        if self.modified:
            r = nau_range(self.in_features, self.out_features)
            nn.init.uniform_(self.W, -r, r)
        else:
            nn.init.xavier_uniform_(self.W)
        nn.init.constant_(self.g, 0.5)

    @staticmethod
    def equation(
        x: Tensor,
        W: Tensor,
        g: Tensor,
        training: bool = False,  # noqa: ARG004
        eps: float = FLOAT32_EPS,
    ) -> Tensor:
        """The unit's formula, features first."""
        r, k = gated_polar(x, g, eps)
        return powers(r, W, eps) * torch.cos((W * k).sum(0))

    @staticmethod
    def penalty(W: Tensor, g: Tensor) -> Tensor:
        """The modified unit's sparsity regularisers, ``mean_i |1 - |W_i|| + mean_i min(g_i, 1 - g_i)``."""
        return (1 - W.abs()).abs().mean(0) + torch.minimum(g, 1 - g).mean(0)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            W=weight_first(self.W, x),
            g=weight_first(self.g, x),
            training=self.training,
            eps=self.eps,
        )


NAME = "RealNPU"
UNIT = RealNPU
