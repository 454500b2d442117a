"""NSR-NAU: two sums of which a comparison chooses one: minimum, maximum, magnitude and other piecewise functions.

Paper: Faber and Wattenhofer 2023, "Neural Status Registers", ICML, https://arxiv.org/abs/2004.07085: the NSR that
controls two NAUs, for piecewise functions; start values and training settings are those of its code,
https://github.com/lukasjf/neural_status_register. Option ``select`` is the paper's cell that finds a minimum: it
compares two inputs and chooses one of them, without sums to learn.
Differs from the paper: the NAUs' weights are clamped after every step, as a NAU's are, instead of in the formula; the
regulariser begins with a ramp, at the same step. Option ``hard`` is this project's own.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ..functional import features_first, mix, weight_first
from ..hyperparameters import Hyperparameters
from . import check_sizes
from .nau import NAU
from .nsr import check_register, comparison, reset_register


class NSRNAU(nn.Module):
    """Chooses between sums: ``y = C (x W_true^T + b_true) + (1 - C) (x W_false^T + b_false)``, with C of an NSR.

    Args:
        in_features: how many numbers come in.
        out_features: how many numbers go out.
        redundancy: how many pairs of operands the comparison adds up, see ``units.nsr``.
        scale: of the difference of the operands.
        select: chooses between the first two inputs instead of sums, as the paper's cell for a minimum does.
        hard: for inference: each comparison is of two inputs, and C is 0 or 1.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``. The weights of the comparison are those of an NSR; W_true and W_false are
            ``(out_features, in_features)``, in [-1, 1] while training calls ``BOUNDS``, b_true and b_false
            ``(out_features,)``; with ``select`` there are none of these.

    Raises:
        ValueError: a size or the redundancy is below 1, the scale is not positive, or there are no two inputs to
            select from.
    """

    EXACT_OPTIONS: ClassVar[dict[str, Any]] = {"hard": True}
    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(loss="absolute", penalty=1.0, ramp=(40_000, 45_000))
    BOUNDS: dict[str, tuple[float, float]]

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        redundancy: int = 10,
        scale: float = 1.0,
        select: bool = False,
        hard: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        check_register(redundancy, scale)
        if select and in_features < 2:
            raise ValueError(f"select chooses between two inputs, got in_features={in_features}.")
        self.BOUNDS = {} if select else {"W_true": (-1.0, 1.0), "W_false": (-1.0, 1.0)}
        self.in_features = in_features
        self.out_features = out_features
        self.scale = scale
        self.hard = hard
        self.V_1 = nn.Parameter(torch.empty(out_features, redundancy * in_features))
        self.V_2 = nn.Parameter(torch.empty(out_features, redundancy * in_features))
        self.W_sign = nn.Parameter(torch.empty(out_features, redundancy))
        self.W_zero = nn.Parameter(torch.empty(out_features, redundancy))
        self.b = nn.Parameter(torch.empty(out_features))
        self.W_true = None if select else nn.Parameter(torch.empty(out_features, in_features))
        self.b_true = None if select else nn.Parameter(torch.empty(out_features))
        self.W_false = None if select else nn.Parameter(torch.empty(out_features, in_features))
        self.b_false = None if select else nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, Xavier normal as for one output and within their bounds, and set all b to zero."""
        reset_register(self.V_1, self.V_2, self.W_sign, self.W_zero, self.b)
        for W, b in ((self.W_true, self.b_true), (self.W_false, self.b_false)):
            if W is not None and b is not None:
                nn.init.normal_(W, std=(2 / (self.in_features + 1)) ** 0.5)
                W.data.clamp_(-1, 1)
                nn.init.zeros_(b)

    @staticmethod
    def equation(
        x: Tensor,
        V_1: Tensor,
        V_2: Tensor,
        W_sign: Tensor,
        W_zero: Tensor,
        b: Tensor,
        W_true: Tensor | None = None,
        b_true: Tensor | None = None,
        W_false: Tensor | None = None,
        b_false: Tensor | None = None,
        training: bool = False,  # noqa: ARG004
        scale: float = 1.0,
        hard: bool = False,
    ) -> Tensor:
        """The unit's formula, features first."""
        C = comparison(x, V_1, V_2, W_sign, W_zero, b, scale, hard)
        if W_true is None or b_true is None or W_false is None or b_false is None:
            return mix(C, x[0], x[1])
        return mix(C, (W_true * x).sum(0) + b_true, (W_false * x).sum(0) + b_false)

    @staticmethod
    def selectors(
        b: Tensor,
        W_true: Tensor | None = None,
        W_false: Tensor | None = None,
        **others: Tensor,  # noqa: ARG004
    ) -> Tensor:
        """The weights of both sums; a zero where there are none."""
        if W_true is None or W_false is None:
            return torch.zeros_like(b).unsqueeze(0)
        return torch.cat((W_true, W_false))

    @staticmethod
    def penalty(
        b: Tensor,
        W_true: Tensor | None = None,
        W_false: Tensor | None = None,
        **others: Tensor,  # noqa: ARG004
    ) -> Tensor:
        """The sparsity regulariser of both NAUs; zero where there are none."""
        return torch.zeros_like(b) if W_true is None or W_false is None else NAU.penalty(W_true) + NAU.penalty(W_false)

    def forward(self, x: Tensor) -> Tensor:
        return self.equation(
            features_first(x),
            V_1=weight_first(self.V_1, x),
            V_2=weight_first(self.V_2, x),
            W_sign=weight_first(self.W_sign, x),
            W_zero=weight_first(self.W_zero, x),
            b=self.b,
            W_true=None if self.W_true is None else weight_first(self.W_true, x),
            b_true=self.b_true,
            W_false=None if self.W_false is None else weight_first(self.W_false, x),
            b_false=self.b_false,
            training=self.training,
            scale=self.scale,
            hard=self.hard,
        )


UNIT = NSRNAU
