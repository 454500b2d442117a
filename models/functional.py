"""Pure functions that several units share. ``torch.jit.script`` takes them, so they keep to what it knows: no lambdas,
keyword-only arguments or constants of the module but as defaults.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

NEGLIGIBLE = 1e-6
"""Exponents this small count as zeros with training noise."""

FLOAT32_EPS = torch.finfo(torch.float32).eps
"""The eps of the division papers, whatever the type of the numbers."""


def nac_weight(W_hat: Tensor, M_hat: Tensor) -> Tensor:
    """The NAC's weight ``tanh(W_hat) * sigmoid(M_hat)``: every entry lies in [-1, 1], drawn towards -1, 0 and 1."""
    return torch.tanh(W_hat) * torch.sigmoid(M_hat)


def nac_range(in_features: int, out_features: int) -> float:
    """The r for which W_hat and M_hat from U[-r, r] give the NAC's weight the variance ``2 / max(in + out, 5)``.

    It is found by bisection, as in Madsen and Johansen 2020 (https://github.com/AndreasMadsen/stable-nalu).
    """
    wanted = 2 / max(in_features + out_features, 5)
    low, high = 0.0, 10.0
    for _ in range(60):
        r = (low + high) / 2
        variance = (1 - math.tanh(r) / r) * (r - math.tanh(r / 2)) / (2 * r)  # E[tanh^2] E[sigmoid^2]
        low, high = (r, high) if variance < wanted else (low, r)
    return low


def nau_range(in_features: int, out_features: int) -> float:
    """The r of the NAU's start values U[-r, r]: ``min(1/2, sqrt(6 / (in + out)))``."""
    return min(0.5, math.sqrt(6 / (in_features + out_features)))


def power_product(x: Tensor, W: Tensor, eps: float) -> Tensor:
    """Products of powers of magnitudes, ``y_o = prod_i |x_i| ** W_oi``, for rows. The sign of x is lost.

    With ``eps > 0`` it is computed in log space for training: a magnitude below eps counts as eps, which bounds
    the gradient of the logarithm by 1/eps, and the result is bounded. With ``eps == 0`` it is exact. See ``powers``.

    Args:
        x: the inputs.
        W: the exponents.
        eps: smaller magnitudes count as eps, at least 0.

    Shape:
        x: ``(..., in_features)``, W: ``(out_features, in_features)``, result: ``(..., out_features)``, 0 or more.
    """
    if eps == 0:
        return exact_powers(features_first(x).abs(), weight_first(W, x))
    return bounded_exp(functional.linear(x.abs().clamp_min(eps).log(), W))


def powers(magnitudes: Tensor, W: Tensor, eps: float) -> Tensor:
    """``prod_i magnitudes_i ** W_i``, features first: by logarithms and bounded with ``eps > 0``, exactly with 0."""
    return exact_powers(magnitudes, W) if eps == 0 else bounded_exp((W * magnitudes.log()).sum(0))


def exact_powers(magnitudes: Tensor, W: Tensor) -> Tensor:
    """``prod_i magnitudes_i ** W_i``, features first, exact at zero, where its gradient is not finite.

    ``0 * b = 0``, ``a / 0 = inf``, and an irrelevant zero counts as 1: exponents below ``NEGLIGIBLE`` are taken for
    the 0 that training meant, as 0 to the power of 1e-9 would be 0.
    """
    return product(magnitudes ** torch.where(is_negligible(W), 0.0, W))


def is_negligible(W: Tensor, limit: float = NEGLIGIBLE) -> Tensor:
    """Mask of the weights that are 0 but for training noise."""
    return W.abs() < limit


def bounded_exp(exponent: Tensor) -> Tensor:
    """The exponential, stopped below the root of the largest number, so that even its square is finite."""
    largest = constant(log_of_largest(exponent.dtype) / 2 - 1, exponent)
    return exponent.clamp(-largest, largest).exp()


def constant(value: float, like: Tensor) -> Tensor:
    """A number in the type of a tensor; a plain number would be exported to ONNX in single precision."""
    if torch.jit.is_scripting():  # type: ignore[attr-defined]
        size: list[int] = []  # no axes; TorchScript's torch.tensor rounds to single precision as well
        return torch.full(size, value, dtype=like.dtype, device=like.device)
    return like.new_tensor(value)


def log_of_largest(dtype: torch.dtype) -> float:
    """The logarithm of a type's largest number; TorchScript has no ``torch.finfo``."""
    if dtype == torch.float64:
        return 709.782712893384
    return 11.089866488461016 if dtype == torch.float16 else 88.722839052068


def smallest_normal(dtype: torch.dtype) -> float:
    """A type's smallest number of full precision."""
    if dtype == torch.float64:
        return 2.2250738585072014e-308
    return 6.103515625e-05 if dtype == torch.float16 else 1.1754943508222875e-38


def gated_polar(x: Tensor, g: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Magnitude ``r`` and angle ``k`` of each input as a complex number, gated by g, clamped to [0, 1].

    ``r = g (|x| + eps) + 1 - g`` and ``k = g pi`` for a negative x, 0 else: g = 0 makes a 1 of any input.
    """
    relevance = g.clamp(0, 1)
    return selected(x.abs() + eps, relevance), relevance * constant(math.pi, x) * is_negative(x)


def mix(g: Tensor, a: Tensor, m: Tensor) -> Tensor:
    """``g a + (1 - g) m``, where a gate of 1 shuts out even an infinite m."""
    return g * a + torch.where(g < 1, (1 - g) * m, 0.0)


def is_negative(x: Tensor) -> Tensor:
    """1 where x is below 0, else 0, in x's type."""
    return (x < 0).to(x.dtype)


def selected(x: Tensor, W: Tensor) -> Tensor:
    """``W x + 1 - W``: x where W is 1, and 1 where W is 0. In this order a small x keeps all its digits."""
    return W * x + (1 - W)


def product(factors: Tensor) -> Tensor:
    """Product over the first axis, written out where it is short: that has the faster gradient."""
    parts = factors.unbind(0)  # len() of it is a plain number, which tracing wants
    if len(parts) > 32:
        return factors.prod(0)
    y = parts[0]
    for part in parts[1:]:
        y = y * part
    return y


def features_first(x: Tensor) -> Tensor:
    """Rows as equations take them (see ``units``): ``(..., in_features)`` to ``(in_features, ..., 1)``."""
    return x.movedim(-1, 0).unsqueeze(-1)


def rows_of(y: Tensor, x: Tensor) -> Tensor:
    """Outputs ``(out_features, rows)`` in the leading shape of x: ``(..., out_features)``."""
    return y.t().reshape(list(x.shape[:-1]) + [y.shape[0]])  # noqa: RUF005 - TorchScript does not unpack lists


def weight_first(weight: Tensor, x: Tensor) -> Tensor:
    """A weight as equations take it beside such rows, for every output at once.

    Shape:
        weight: ``(out_features, in_features)``, ``(1, in_features)`` for one that all outputs share, or
            ``(out_features,)``.
        x: ``(..., in_features)``.
        result: ``(in_features, ..., out_features)``, the axes between of size 1; or as it was, with one axis.
    """
    if weight.dim() == 1:
        return weight
    return weight.t().reshape([weight.shape[1]] + [1] * (x.dim() - 1) + [weight.shape[0]])
