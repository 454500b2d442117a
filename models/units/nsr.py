"""Neural Status Register (NSR): compares two inputs, or the same two for several outputs, far beyond its training.

Paper: Faber and Wattenhofer 2023, "Neural Status Registers", ICML, https://arxiv.org/abs/2004.07085; start values and
training settings are those of its code, https://github.com/lukasjf/neural_status_register.
Differs from the paper: nothing; option ``hard`` is this project's own.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, weight_first
from ..hyperparameters import Hyperparameters
from . import check_sizes


class NSR(nn.Module):
    """Compares: ``y = sigmoid(sum_r (W_sign_r S_r + W_zero_r Z_r) + b)``, the likelihood that the comparison holds.

    - ``D_r = x softmax(V_1r) - x softmax(V_2r)``, the difference of two operands that it selects,
    - ``S_r = tanh(scale D_r)``, the sign bit, and ``Z_r = 1 - 2 tanh(scale D_r)^2``, the zero bit.

    Args:
        in_features: how many numbers come in.
        out_features: how many comparisons go out.
        redundancy: how many pairs of operands are added up for each output.
        scale: of the difference, the paper's lambda: numbers that differ by much less than 1 need a larger one.
        hard: for inference: each operand is one input, the bits are -1, 0 or 1 and the output 0 or 1.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``, between 0 and 1. V_1 and V_2 are ``(out_features, redundancy * in_features)``,
            W_sign and W_zero ``(out_features, redundancy)`` and b ``(out_features,)``.

    Raises:
        ValueError: a size or the redundancy is below 1, or the scale is not positive.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"hard": True}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(loss="absolute")

    def __init__(
        self, in_features: int, out_features: int, *, redundancy: int = 10, scale: float = 1.0, hard: bool = False
    ) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_register(redundancy, scale)
        self.in_features = in_features
        self.out_features = out_features
        self.redundancy = redundancy
        self.scale = scale
        self.hard = hard
        self.V_1 = nn.Parameter(torch.empty(out_features, redundancy * in_features))
        self.V_2 = nn.Parameter(torch.empty(out_features, redundancy * in_features))
        self.W_sign = nn.Parameter(torch.empty(out_features, redundancy))
        self.W_zero = nn.Parameter(torch.empty(out_features, redundancy))
        self.b = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, Xavier normal as for one output, and set b to zero."""
        reset_register(self.V_1, self.V_2, self.W_sign, self.W_zero, self.b)

    @staticmethod
    def equation(
        x: Tensor,
        V_1: Tensor,
        V_2: Tensor,
        W_sign: Tensor,
        W_zero: Tensor,
        b: Tensor,
        training: bool = False,  # noqa: ARG004
        scale: float = 1.0,
        hard: bool = False,
    ) -> Tensor:
        """The unit's formula, features first; V_1 and V_2 have the features of x once for each pair of operands."""
        return comparison(x, V_1, V_2, W_sign, W_zero, b, scale, hard)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            V_1=weight_first(self.V_1, x),
            V_2=weight_first(self.V_2, x),
            W_sign=weight_first(self.W_sign, x),
            W_zero=weight_first(self.W_zero, x),
            b=self.b,
            training=self.training,
            scale=self.scale,
            hard=self.hard,
        )


def comparison(
    x: Tensor, V_1: Tensor, V_2: Tensor, W_sign: Tensor, W_zero: Tensor, b: Tensor, scale: float, hard: bool
) -> Tensor:
    """The output of an NSR, features first."""
    pairs = [W_sign.shape[0], x.shape[0]]
    first, second = V_1.unflatten(0, pairs), V_2.unflatten(0, pairs)  # type: ignore[no-untyped-call]
    share = selection(first, hard) - selection(second, hard)
    difference = (share * x.unsqueeze(0)).sum(1)
    sign = torch.sign(difference) if hard else torch.tanh(scale * difference)
    logit = (W_sign * sign + W_zero * (1 - 2 * sign**2)).sum(0) + b
    return (logit > 0).to(x.dtype) if hard else torch.sigmoid(logit)


def selection(V: Tensor, hard: bool) -> Tensor:
    """``softmax(V)`` over the second axis, or 1 at its largest entry and 0 elsewhere."""
    return (V.amax(1, keepdim=True) == V).to(V.dtype) if hard else torch.softmax(V, 1)


def check_register(redundancy: int, scale: float) -> None:
    """Raise ValueError unless the redundancy is at least 1 and the scale positive."""
    if redundancy < 1:
        raise ValueError(f"redundancy must be at least 1, got {redundancy}.")
    if not scale > 0:
        raise ValueError(f"scale must be above 0, got {scale}.")


def reset_register(V_1: Tensor, V_2: Tensor, W_sign: Tensor, W_zero: Tensor, b: Tensor) -> None:
    """Draw the weights of an NSR anew: Xavier normal, as published for one output; b is zero."""
    redundancy = W_sign.shape[1]
    for V in (V_1, V_2):
        nn.init.normal_(V, std=(2 / (V.shape[1] // redundancy + redundancy)) ** 0.5)
    for W in (W_sign, W_zero):
        nn.init.normal_(W, std=(2 / (redundancy + 1)) ** 0.5)
    nn.init.zeros_(b)


UNIT = NSR
