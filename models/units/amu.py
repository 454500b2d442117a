"""Additive-Multiplicative Unit (AMU): learns from the gradient of its output whether to add or multiply, and what.

This project's own. The product is that of log-linear units (NAC., Trask et al. 2018, https://arxiv.org/abs/1808.00508;
NPU, Heim et al. 2020, https://arxiv.org/abs/2006.01681) with signs of their own, as an NMU of signs learns them (Madsen
and Johansen 2020, https://openreview.net/forum?id=H1gNOeHKPS). The gate does not see the input, and training draws
from it; see ``units._amu_gradient`` for the gradients.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, nau_range, powers, weight_first
from ..hyperparameters import Hyperparameters
from . import check_eps, check_sizes
from ._amu_gradient import sampled_output, whole_signs


class AMU(nn.Module):
    """Adds or multiplies: ``y = a`` where ``gate > 0``, else ``y = m``.

    - ``a = W_add x``, the sum,
    - ``m = prod_i s_i |x_i| ** W_mul_i``, the product of powers,
    - ``s_i = -1`` where x_i is negative and its parity ``p_i > 1/2``, else 1. A square has an even parity, 0.

    In training the output is random: each entry is the sum or the product by a chance that the gate sets, and the
    gradients of the weights are Newton directions, so one learning rate of Adam fits all magnitudes.

    Args:
        in_features: how many numbers come in.
        out_features: how many numbers go out.
        eps: a magnitude below eps counts as eps in the product. 0 makes it exact at zero, for inference only.

    Shape:
        x: ``(..., in_features)``, any real value. A batch in training should have several times in_features rows.
        y: ``(..., out_features)``, finite for finite x while ``eps > 0``. W_add, W_mul and p are
            ``(out_features, in_features)``, gate is ``(out_features,)``.

    Raises:
        ValueError: a size is below 1, or eps is negative.

    Where training had no negative inputs, p is that of the exponent: odd powers keep the sign.
    """

    COMPILED: ClassVar[bool] = False
    BOUNDS: ClassVar[dict[str, tuple[float, float]]] = {"p": (0.0, 1.0), "gate": (-1.0, 1.0)}
    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.0}
    HEAD_OPTIONS: ClassVar[dict[str, Any]] = {"eps": 0.1}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(learning_rate=1e-2, steps=3_000, wide={"steps": 3_000})

    def __init__(self, in_features: int, out_features: int, *, eps: float = 1e-7) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_eps(eps)
        self.in_features = in_features
        self.out_features = out_features
        self.eps = eps
        self.W_add = nn.Parameter(torch.empty(out_features, in_features))
        self.W_mul = nn.Parameter(torch.empty(out_features, in_features))
        self.p = nn.Parameter(torch.empty(out_features, in_features))
        self.gate = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew: W_add as the NAU's, the product near a geometric mean, the gate undecided."""
        r = nau_range(self.in_features, self.out_features)
        nn.init.uniform_(self.W_add, -r, r)
        nn.init.uniform_(self.W_mul, 1 / self.in_features - 0.1, 1 / self.in_features + 0.1)
        nn.init.uniform_(self.p, 0, 0.2)
        nn.init.uniform_(self.gate, -0.1, 0.1)

    @staticmethod
    def equation(
        x: Tensor,
        W_add: Tensor,
        W_mul: Tensor,
        p: Tensor,
        gate: Tensor,
        training: bool = False,
        eps: float = 1e-7,
    ) -> Tensor:
        """The unit's formula, features first."""
        if torch.jit.is_scripting():  # type: ignore[attr-defined]
            if training:
                raise RuntimeError(
                    "The AMU's training pass has gradients of its own, which TorchScript drops; call eval()."
                )
        elif training:
            return sampled_output(x, eps, W_add=W_add, W_mul=W_mul, p=p, gate=gate)
        product = whole_signs(x, p) * powers(x.abs().clamp_min(eps), W_mul, eps)
        return torch.where(gate > 0, (W_add * x).sum(0), product)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            W_add=weight_first(self.W_add, x),
            W_mul=weight_first(self.W_mul, x),
            p=weight_first(self.p, x),
            gate=weight_first(self.gate, x),
            training=self.training,
            eps=self.eps,
        )


UNIT = AMU
