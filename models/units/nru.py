"""Neural Reciprocal Unit (NRU): multiplies and divides the inputs that its weights select.

Paper: Mistry, Farrahi and Hare 2022, "Exploring the Learning Mechanisms of Neural Division Modules",
https://arxiv.org/abs/2110.05177.
Differs from the paper: a magnitude below eps counts as eps, and zero has a positive sign; there the gradient at zero is
not finite, and neither is zero's quotient.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, is_negative, is_negligible, nau_range, product, selected, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes
from .nau import NAU

STEEPNESS = 1000.0
"""Makes ``tanh(1000 W) ** 2`` nearly a step: in training any weight but 0 selects its input."""


def step(W: Tensor, steepness: float = STEEPNESS) -> Tensor:
    """How far training selects the input of a weight."""
    return torch.tanh(steepness * W).square()


class NRU(nn.Module):
    """Multiplies by W = 1, divides by W = -1, ignores at W = 0: ``y = prod_i (sign(x_i) |x_i| ** W_i s_i + 1 - s_i)``.

    ``s_i``, how far input i is selected, is ``tanh(1000 W_i) ** 2`` in training, and else ``|W_i|``.

    Args:
        in_features: how many numbers come in.
        out_features: how many products go out.
        eps: a magnitude below eps counts as eps. 0 makes the unit exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value; signs are retained.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``; every entry of W lies in [-1, 1] while
            training calls ``BOUNDS``.

    Raises:
        ValueError: a size is below 1, or eps is negative.
    """

    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {"W": (-1.0, 1.0)}
    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(
        learning_rate=1.0, penalty=10.0, wide={"learning_rate": 1e-3}
    )

    def __init__(self, in_features: int, out_features: int, *, eps: float = 1e-7) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.W = nn.Parameter(torch.empty(out_features, in_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw W anew like a NAU's, see ``functional.nau_range``."""
        r = nau_range(self.in_features, self.out_features)
        nn.init.uniform_(self.W, -r, r)

    @staticmethod
    def equation(x: Tensor, W: Tensor, training: bool = False, eps: float = 1e-7) -> Tensor:
        """The unit's formula, features first."""
        s = step(W) if training else W.abs()
        exponents = torch.where(is_negligible(W), 0.0, W) if eps == 0 else W
        signed = (1 - 2 * is_negative(x)) * x.abs().clamp_min(eps) ** exponents
        return product(selected(signed, s))

    @staticmethod
    def penalty(W: Tensor) -> Tensor:
        """The NAU's sparsity regulariser, ``mean_i min(|W_i|, 1 - |W_i|)``."""
        return NAU.penalty(W)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(features_first(x), W=weight_first(self.W, x), training=self.training, eps=self.eps)


UNIT = NRU
