"""Domain Mixed Unit (DMU): sums its inputs or their logarithms, as a gate decides for each output.

Paper: Curry 2025, "The Domain Mixed Unit: A New Neural Arithmetic Layer", https://arxiv.org/abs/2509.08180; what its
text leaves open is taken from its code, https://github.com/marict/nalm-benchmark, at the commit of the published runs
(83e6f2d). Option ``frozen`` is their setting: selectors stay at their start values.
Differs from the paper: the gate is one weight for each output, as the abstract has it, while the code predicts it from
the normalised inputs; selectors that are not frozen are weights in [-1, 1], too. Logarithms are bounded by
``functional.bounded_exp`` instead of a soft clamp. Once trained, with a whole gate, the sum is taken as it is,
while the code goes on to smooth its size. The training settings are those of the published runs, but for batches of
128 samples instead of 512.
"""

import math
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import bounded_exp, constant, features_first, is_negative, mix, powers, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes

SIGN_WIDTH = 1e-4
"""In training the sign of a sum is ``tanh(sum / SIGN_WIDTH)`` and its size ``sqrt(sum**2 + SIGN_WIDTH**2)``."""


def whole(weight: Tensor, rounded: Tensor) -> Tensor:
    """The rounded weight, with the gradient of the weight; both lie within 1, so that the difference is exact."""
    return weight + (rounded - weight).detach()


def soft_polar(total: Tensor, width: float = SIGN_WIDTH) -> tuple[Tensor, Tensor]:
    """Sign and logarithm of the size of a sum, both smooth near zero."""
    return torch.tanh(total / width), 0.5 * (total**2 + width**2).log()


def selector_signs(subtract: bool, x: Tensor) -> Tensor:
    """The start values of the selectors, broadcast against x: 1, or 1 for the first input and -1 for the others."""
    signs = torch.ones_like(x)
    return torch.cat((signs[:1], -signs[1:])) if subtract else signs


class DMU(nn.Module):
    """Adds or multiplies: ``y = (G s_lin + (1 - G) s_log) * exp(G log|S| + (1 - G) L)`` with a gate G in [0, 1].

    - ``S = sum_i W_i x_i`` is the sum, and ``s_lin`` its sign,
    - ``L = sum_i W_i log(max(|x_i|, eps))`` the logarithm of the product, and ``s_log = cos(pi sum_i |W_i| [x_i < 0])``
      its sign.

    In evaluation G is 0 or 1 and every W_i is -1, 0 or 1, whichever is nearest, so that the unit is a sum or a product.

    Args:
        in_features: how many numbers come in.
        out_features: how many numbers go out.
        subtract: the selectors W start at 1 for the first input and at -1 for the others, instead of 1 for all: with
            this initialisation it subtracts or divides.
        frozen: the selectors stay there, as published, and only the gate is trained.
        eps: a magnitude below eps counts as eps in a product. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``. g is ``(out_features,)``, with
            ``G = sigmoid(g)``; W holds the selectors as factors of their start values.

    Raises:
        ValueError: a size is below 1, or eps is negative.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(steps=3_000, clip_norm=0.01)
    BOUNDS: dict[str, tuple[float, float]]
    OPTIONS: dict[str, bool]

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        subtract: bool = False,
        frozen: bool = False,
        eps: float = 1e-11,
    ) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.subtract = subtract
        self.eps = eps
        self.OPTIONS = {"subtract": subtract}
        self.BOUNDS = {} if frozen else {"W": (-1.0, 1.0)}
        self.g = nn.Parameter(torch.empty(out_features))
        self.W = None if frozen else nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw g anew from U[-r, r] with ``r = sqrt(6 / (in + out))``, and set W to 1."""
        r = math.sqrt(6 / (self.in_features + self.out_features))
        nn.init.uniform_(self.g, -r, r)
        if self.W is not None:
            nn.init.ones_(self.W)

    @property
    def O(self) -> Tensor:  # noqa: E743
        """The selectors in evaluation, ``(out_features, in_features)``: -1, 0 or 1."""
        signs = selector_signs(self.subtract, torch.ones(self.in_features, dtype=self.g.dtype)).repeat(
            self.out_features, 1
        )
        return signs if self.W is None else signs * self.W.round()

    @staticmethod
    def equation(
        x: Tensor,
        g: Tensor,
        W: Tensor | None = None,
        training: bool = False,
        subtract: bool = False,
        eps: float = 1e-11,
    ) -> Tensor:
        """The unit's formula, features first."""
        G, O = torch.sigmoid(g), selector_signs(subtract, x)  # noqa: E741
        if W is not None:
            O = O * (W if training else whole(W, W.round()))  # noqa: E741
        magnitude = x.abs().clamp_min(eps)
        total = (O * x).sum(0)
        parity = torch.cos((O.abs() * constant(math.pi, x) * is_negative(x)).sum(0))
        if not training:
            return mix(whole(G, (G > 0.5).to(G.dtype)), total, powers(magnitude, O, eps) * parity)
        sign, log_size = soft_polar(total)
        log_product = (O * magnitude.log()).sum(0)
        return mix(G, sign, parity) * bounded_exp(mix(G, log_size, log_product))

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            g=self.g,
            W=None if self.W is None else weight_first(self.W, x),
            training=self.training,
            subtract=self.subtract,
            eps=self.eps,
        )


UNIT = DMU
