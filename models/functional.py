"""Pure functions that several units share."""

import math
from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional

NEGLIGIBLE = 1e-6
"""Exponents this small are what training leaves of a zero."""


def nac_weight(W_hat: Tensor, M_hat: Tensor) -> Tensor:
    """The NAC's weight ``tanh(W_hat) * sigmoid(M_hat)``: every entry lies in [-1, 1], drawn towards -1, 0 and 1."""
    return torch.tanh(W_hat) * torch.sigmoid(M_hat)


def power_product(x: Tensor, W: Tensor, eps: float) -> Tensor:
    """Products of powers of magnitudes, ``y_o = prod_i |x_i| ** W_oi``. The sign of x is lost.

    With ``eps > 0`` it is computed in log space for training: a magnitude below eps counts as eps, which bounds
    the gradient of the logarithm by 1/eps, and the result stops below the root of the largest number, so
    that even its square is finite. With ``eps == 0`` it is computed by powers and is exact at zero
    (``0 * b = 0``, ``a / 0 = inf``, and an irrelevant zero counts as 1: exponents below ``NEGLIGIBLE`` are taken for
    the 0 that training meant, as 0 to the power of 1e-9 would be 0); its gradient there is not finite.

    Args:
        x: the inputs.
        W: the exponents.
        eps: smallest magnitude told apart from zero, at least 0.

    Shape:
        x: ``(..., in_features)``, W: ``(out_features, in_features)``, result: ``(..., out_features)``, 0 or more.
    """
    if eps == 0:
        meant = torch.where(W.abs() < NEGLIGIBLE, 0.0, W)
        return (x.abs().unsqueeze(-2) ** meant).prod(-1)
    exponent = functional.linear(x.abs().clamp_min(eps).log(), W)
    largest = math.log(torch.finfo(x.dtype).max) / 2 - 1
    return exponent.clamp(-largest, largest).exp()


def product(factors: Tensor) -> Tensor:
    """Product over the first axis, written out where it is short: that has the faster gradient."""
    parts = factors.unbind(0)  # len() of it is a plain number, which tracing wants
    return reduce(torch.mul, parts) if len(parts) <= 16 else factors.prod(0)


def by_rows(equation: Callable[..., Tensor], x: Tensor, training: bool, **weights: Tensor) -> Tensor:
    """Apply a features-first equation (see ``models.units``) to rows, for every output at once.

    Shape:
        x: ``(..., in_features)``; weights: ``(out_features, in_features)`` or ``(out_features,)``.
        result: ``(..., out_features)``.
    """

    def features_first(weight: Tensor) -> Tensor:
        return weight.t().reshape(-1, *[1] * (x.ndim - 1), weight.shape[0]) if weight.ndim == 2 else weight

    placed = {name: features_first(weight) for name, weight in weights.items()}
    return equation(x.movedim(-1, 0).unsqueeze(-1), training=training, **placed)
