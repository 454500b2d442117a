"""Pure functions that several units share."""

import math

import torch
from torch import Tensor
from torch.nn import functional


def nac_weight(W_hat: Tensor, M_hat: Tensor) -> Tensor:
    """The NAC's weight ``tanh(W_hat) * sigmoid(M_hat)``: every entry lies in [-1, 1], drawn towards -1, 0 and 1."""
    return torch.tanh(W_hat) * torch.sigmoid(M_hat)


def power_product(x: Tensor, W: Tensor, eps: float) -> Tensor:
    """Products of powers of magnitudes, ``y_o = prod_i |x_i| ** W_oi``. The sign of x is lost.

    With ``eps > 0`` it is computed in log space for training: a magnitude below eps counts as eps, which bounds
    the gradient of the logarithm by 1/eps, and the result stops below the root of the largest number, so
    that even its square is finite. With ``eps == 0`` it is computed by powers and is exact at zero
    (``0 * b = 0``, ``a / 0 = inf``, and an irrelevant zero counts as 1); its gradient there is not finite.

    Args:
        x: the inputs.
        W: the exponents.
        eps: smallest magnitude told apart from zero, at least 0.

    Shape:
        x: ``(..., in_features)``, W: ``(out_features, in_features)``, result: ``(..., out_features)``, 0 or more.
    """
    if eps == 0:
        return (x.abs().unsqueeze(-2) ** W).prod(-1)
    exponent = functional.linear(x.abs().clamp_min(eps).log(), W)
    largest = math.log(torch.finfo(x.dtype).max) / 2 - 1
    return exponent.clamp(-largest, largest).exp()
