"""Mass-Conserving Fully Connected layer (MC-FC): hands each input out to the outputs, in shares that sum to 1.

Paper: Hoedt et al. 2021, "MC-LSTM: Mass-Conserving LSTM", https://arxiv.org/abs/2101.05186, section 5.1 (the layer with
which it measures arithmetic); start values and regulariser are those of its code, https://github.com/hoedt/stable-nalu.
Differs from the paper: the regulariser there has no end, here it ends at weights of size ``SATURATED``, where shares
and gates are whole; its gradient up to there is the same. The training settings are those of the Single Module
Arithmetic Task.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from ..functional import rows_of
from ..hyperparameters import Hyperparameters
from . import check_sizes

SATURATED = 20.0
"""The regulariser ends at weights of this size."""


def shares(R_hat: Tensor) -> Tensor:
    """``softmax(R_hat)`` over the outputs, which are the second axis: ``(in_features, out_features, ...)``."""
    return torch.softmax(R_hat, 1)


def unsaturated(weight: Tensor) -> Tensor:
    """``SATURATED**2 - weight**2``, and 0 beyond."""
    return (SATURATED**2 - weight**2).clamp_min(0.0)


def reset_mass(R_hat: Tensor, w: Tensor, b: Tensor) -> None:
    """Draw the weights of an MC-FC anew: R_hat orthogonal, or the identity if square; w a unit vector, b zero."""
    if R_hat.shape[0] == R_hat.shape[1]:
        nn.init.eye_(R_hat)
    else:
        nn.init.orthogonal_(R_hat)
    with torch.no_grad():
        w.copy_(nn.init.orthogonal_(torch.empty(len(w), 1))[:, 0])
    nn.init.zeros_(b)


class MCFC(nn.Module):
    """Adds: ``y = o * (x R)`` with shares ``R = softmax(R_hat)`` over the outputs and a gate ``o = sigmoid(w + b)``.

    Args:
        in_features: how many numbers come in.
        out_features: how many sums go out.
        trash: one more output takes its share and is dropped, so that inputs can be left out. Without it, as
            published, an input's shares of all outputs sum to 1.

    Shape:
        x: ``(..., in_features)``, any real value.
        y: ``(..., out_features)``. R_hat is ``(out_features, in_features)``, with one row more for the trash; the
            gates' w and b are ``(out_features,)``.

    Raises:
        ValueError: a size is below 1.
    """

    HYPERPARAMETERS: ClassVar[Hyperparameters] = Hyperparameters(penalty=10.0)

    def __init__(self, in_features: int, out_features: int, *, trash: bool = False) -> None:
        super().__init__()
        check_sizes(in_features, out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.R_hat = nn.Parameter(torch.empty(out_features + trash, in_features))
        self.w = nn.Parameter(torch.empty(out_features))
        self.b = nn.Parameter(torch.empty(out_features))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights anew, see ``reset_mass``."""
        reset_mass(self.R_hat, self.w, self.b)

    @property
    def W(self) -> Tensor:
        """What each output gets of each input, ``(out_features, in_features)``, in [0, 1]."""
        return self.selectors(self.R_hat.t(), self.w, self.b).t()

    @staticmethod
    def selectors(R_hat: Tensor, w: Tensor, b: Tensor) -> Tensor:
        """Gates times shares, without the trash; outputs are the second axis."""
        return torch.sigmoid(w + b) * shares(R_hat)[:, : w.shape[0]]

    @staticmethod
    def equation(x: Tensor, R_hat: Tensor, w: Tensor, b: Tensor, training: bool = False) -> Tensor:  # noqa: ARG004
        """The unit's formula, features first and outputs second."""
        W = torch.sigmoid(w + b) * shares(R_hat)[:, : w.shape[0]]
        return (W * x).sum(0)

    @staticmethod
    def penalty(R_hat: Tensor, w: Tensor, b: Tensor) -> Tensor:
        """The regulariser, which drives shares and gates to 0 or 1: ``mean(T^2 - R_hat^2) + T^2 - w^2 + T^2 - b^2``."""
        return unsaturated(R_hat).mean((0, 1)) + unsaturated(w) + unsaturated(b)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape([-1, self.in_features]).t().unsqueeze(1)
        y = self.equation(
            rows,
            R_hat=self.R_hat.t().unsqueeze(-1),
            w=self.w.unsqueeze(-1),
            b=self.b.unsqueeze(-1),
            training=self.training,
        )
        return rows_of(y, x)


NAME = "MC-FC"
UNIT = MCFC
