"""The training pass of the AMU: its output is sampled, and its weights receive Newton directions as gradients.

The unit never sees a target. In training every entry of the output is drawn: the sum a, or the product m with signs of
1 and -1, or the product with signs as far as they are learned. The gradient ``g`` of an entry then belongs to that draw
alone. For a loss ``mean_n (y_n - t_n)**2`` over N rows, ``N g_n = 2 e_n`` with that draw's error ``e_n = y_n - t_n``.
From ``g`` each weight gets

- ``W_add``: the sum is linear, so a squared error has the gradient ``2 mean(x e)`` and the Hessian ``2 M`` with
  ``M = mean(x x^T)``. Newton's direction is ``M^-1 mean(x e)``; twice that, ``M^-1 mean(x N g)``, is returned. The
  inverse is what makes narrow ranges such as [1.1, 1.2] easy, where features are nearly constant and M nearly singular.
- ``W_mul``: ``log|m| = W_mul z`` is linear in ``z = log|x|``, and to first order its error is ``e / m``. So the same
  with z for x and ``g / m`` for g: a Newton direction for the squared error of log|y|.
- ``p``: the gradient of the product with learned signs, for the one parity of the steepest gradient alone, plus a pull
  towards a whole number.
- ``gate``: ``(a - m) ((a - t) + (m - t)) = (a - t)**2 - (m - t)**2``, so ``N g (a - m)``, weighted by the inverse
  chance of each draw and summed over both kinds, estimates how much worse the sum is than the product. Divided by the
  sum of magnitudes it lies in [-1, 1], and a small difference still decides.

Adam scales each of them, so directions matter and lengths do not. Gradients that are not finite, as after a target such
as 1 / 0, count as 0.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ..functional import bounded_exp, is_negative, product

MIN_SHARE = 0.1
"""Share of draws that the sum gets, and the product, however sure the gate is."""
SOFT_SHARE = 0.5
"""Share of the product's draws that have learned signs, from which the parities get their gradient."""
PARITY_PULL = 0.1
"""How strongly a parity is drawn to a whole number; the data pull with up to 2."""
CLIP = 3.0
"""A row's gradient counts up to this many times the median size, as a division near 0 makes enormous ones."""
RIDGE = 1e-8
"""Added to the second moments, in units of their mean eigenvalue."""
MAX_NORM = 2e-6
"""Norm of a Newton direction, at most. So small that Adam's epsilon of 1e-8 counts beside it, as 5e-3 would beside 1:
without, Adam takes ever larger steps once errors have been tiny for long, and loses what is learned."""
TINY = 1e-300


def whole_signs(x: Tensor, p: Tensor) -> Tensor:
    """``prod_i (1 - 2 [p_i > 1/2] [x_i < 0])``, which is -1 or 1, features first."""
    return product(1 - 2 * (p > 0.5).to(x.dtype) * is_negative(x))


def sampled_output(x: Tensor, eps: float, *, W_add: Tensor, W_mul: Tensor, p: Tensor, gate: Tensor) -> Tensor:
    """The output of a training pass, features first; the weights get the gradients that the module describes.

    The gradient for x is that of the entry's draw, times how far the gate trusts it: ``(1 + gate) / 2`` for the sum,
    ``(1 - gate) / 2`` for the product, 0 for a product with learned signs.

    Raises:
        RuntimeError: ``torch.compile`` traces it.
    """
    if torch.compiler.is_compiling():  # under torch.func.grad it would drop the gradients below in silence (2.13)
        raise RuntimeError("The AMU's training pass has gradients of its own, which torch.compile drops.")
    add, mul, parity, choice = (weight.detach() for weight in (W_add, W_mul, p, gate))
    a = (add * x).sum(0)
    magnitude = bounded_exp((mul * x.abs().clamp_min(eps).log()).sum(0))
    uniform, share = torch.rand_like(a), _share(choice)
    is_sum = uniform < share
    is_soft = uniform > 1 - SOFT_SHARE * (1 - share)
    signs = torch.where(is_soft, product(_soft_signs(x, parity)), whole_signs(x, parity))
    y = torch.where(is_sum, a, signs * magnitude)
    trust = torch.where(is_sum, (1 + choice) / 2, (1 - choice) / 2).clamp(0, 1).masked_fill(is_soft, 0)
    newton_gradient: Tensor = _NewtonGradient.apply(  # type: ignore[no-untyped-call]
        W_add, W_mul, p, gate, x.detach(), is_sum, is_soft, eps
    )
    return y.detach() + trust * (y - y.detach()) + newton_gradient


class _NewtonGradient(torch.autograd.Function):
    """Zeros in the forward pass; in the backward pass the gradients of the weights, computed in float64."""

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        *_, x, is_sum, _, _ = inputs
        return torch.zeros_like(is_sum, dtype=x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        *tensors, ctx.eps = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        *weights, x, is_sum, is_soft = ctx.saved_tensors
        W_add, W_mul, p, gate, x, g = (tensor.double().unsqueeze(-1) for tensor in (*weights, x, *gradients))
        is_sum, is_soft = is_sum.unsqueeze(-1), is_soft.unsqueeze(-1)  # a single vector is a batch of one row
        rows = [axis for axis in range(W_add.ndim - 1) if W_add.shape[axis + 1] == 1]
        g = g.nan_to_num(0, 0, 0) * math.prod(g.shape[axis] for axis in rows)  # N g: a mean over rows becomes a sum
        z = x.abs().clamp_min(ctx.eps).log()
        magnitude = bounded_exp((W_mul * z).sum(0))
        m, is_whole, share = whole_signs(x, p) * magnitude, ~is_sum & ~is_soft, _share(gate)
        worse = g * ((W_add * x).sum(0) - m) * (is_sum / share + is_whole / ((1 - share) * (1 - SOFT_SHARE)))
        difference = worse.sum(rows, keepdim=True) / worse.abs().sum(rows, keepdim=True).clamp_min(TINY)
        pull = PARITY_PULL * (p - _parity_goal(x, p, W_mul, rows))
        directions = (
            _newton_direction(x, g, is_sum, W_add, rows),
            _newton_direction(z, g / m, is_whole, W_mul, rows),
            _inward(p, _steepest_parity(x, p, g / magnitude * is_soft, rows) + pull, 0),
            _inward(gate, difference.reshape(gate.shape), -1),
        )
        shaped = (v.reshape(w.shape).to(w.dtype) for v, w in zip(directions, weights, strict=True))
        return *shaped, None, None, None, None


def _share(gate: Tensor) -> Tensor:
    """Chance of the sum to be drawn."""
    return ((1 + gate) / 2).clamp(MIN_SHARE, 1 - MIN_SHARE)


def _soft_signs(x: Tensor, p: Tensor) -> Tensor:
    """``1 - 2 p_i [x_i < 0]``: the sign of each factor as far as its parity is learned."""
    return 1 - 2 * p.clamp(0, 1) * is_negative(x)


def _newton_direction(features: Tensor, g: Tensor, drawn: Tensor, W: Tensor, rows: list[int]) -> Tensor:
    """``M^-1 mean(features g)`` over the rows of one kind of draw, M their second moments; in the shape of W."""

    def by_replica(values: Tensor) -> Tensor:
        """Features first to ``(replicas, features, rows)``."""
        flat = values.expand(-1, *g.shape).movedim([row + 1 for row in rows], list(range(-len(rows), 0)))
        return flat.reshape(len(values), W[0].numel(), -1).transpose(0, 1)

    v, mask, g = by_replica(features), by_replica(drawn.to(g.dtype).unsqueeze(0)), by_replica(g.unsqueeze(0))
    size = g.abs().masked_fill(mask == 0, math.nan).nanmedian(-1, keepdim=True).values.nan_to_num()
    count = mask.sum(-1, keepdim=True).clamp_min(1)
    moments = (v * mask) @ v.mT / count
    ridge = RIDGE * moments.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] + TINY
    slope = v @ (torch.minimum(g.abs(), CLIP * size) * g.sign() * mask).mT / count
    step: Tensor = torch.linalg.solve(moments + ridge * torch.eye(len(features), dtype=g.dtype, device=g.device), slope)
    step = MAX_NORM * step / step.norm(dim=1, keepdim=True).clamp_min(1)
    return step.squeeze(-1).t().reshape(W.shape)


def _steepest_parity(x: Tensor, p: Tensor, g: Tensor, rows: list[int]) -> Tensor:
    """The gradient for the parity where it is steepest, one an output, over the sum of magnitudes; 0 for the others."""
    factors = _soft_signs(x, p)
    one = torch.ones_like(factors[:1])
    others = torch.cat((one, factors[:-1])).cumprod(0) * torch.cat((factors[1:], one)).flip(0).cumprod(0).flip(0)
    slope = (-2 * is_negative(x) * others * g).sum([row + 1 for row in rows], keepdim=True)
    slope = slope / g.abs().sum(rows, keepdim=True).clamp_min(TINY)
    return torch.where(slope.abs() >= slope.abs().amax(0, keepdim=True), slope, 0.0)


def _parity_goal(x: Tensor, p: Tensor, W_mul: Tensor, rows: list[int]) -> Tensor:
    """The whole number that pulls a parity: the nearer of 0 and 1 with negative inputs, else the exponent's parity."""
    seen = is_negative(x).amax([row + 1 for row in rows], keepdim=True) > 0
    return torch.where(seen, (p > 0.5).to(p.dtype), ((W_mul + 1) % 2 - 1).abs())


def _inward(weight: Tensor, gradient: Tensor, lowest: float) -> Tensor:
    """The gradient, without what would carry a weight further out of ``[lowest, 1]``."""
    outward = ((weight <= lowest) & (gradient > 0)) | ((weight >= 1) & (gradient < 0))
    return gradient.masked_fill(outward, 0)
