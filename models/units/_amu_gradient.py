"""How the AMU learns: the output of a training pass, and what the weights make of the gradient that comes back.

The unit never sees a target. Each entry of its output is drawn: the sum, or the product with signs of 1 and -1, or the
product with signs as far as they are learned. So the gradient g of an entry tells of that draw alone. For a squared
error g is twice the draw's own error, whatever the other draws do, and

- the sum's weights and the exponents take Newton's step for a squared error, of y and of log|y|: the gradient times
  the inverse second moments of the features in this batch. That is what makes narrow ranges such as [1.1, 1.2] easy,
  where the features are nearly constant;
- a parity moves when it is the one that the gradient pulls most;
- the gate compares: ``g (a - m)`` summed over both kinds of draws is the difference of the squared errors of sum a and
  product m. Divided by the sum of sizes it lies in [-1, 1], and a small difference still decides.

A gradient that is not finite, as after a target such as 1 / 0, teaches nothing.
"""

import math
from typing import Any

import torch
from torch import Tensor

from models.functional import bounded_exp, is_negative, product

LEAST = 0.1
"""Share of draws that the sum gets, and the product, however sure the gate is."""
SOFT = 0.5
"""Share of the product's draws that teach the signs."""
PULL = 0.1
"""How strongly a parity is drawn to a whole number; the data pull with up to 2."""
CLIP = 3.0
"""A row's gradient counts up to this many times the median size, as a division near 0 makes enormous ones."""
RIDGE = 1e-8
"""Added to the second moments, in units of their mean eigenvalue."""
STEADY = 2e-6
"""Newton's steps come so small that Adam's epsilon of 1e-8 counts beside them: as if it were 5e-3 beside their size.
Without, Adam takes ever larger steps once errors have been tiny for long, and loses what is learned."""
TINY = 1e-300


def whole_signs(x: Tensor, p: Tensor) -> Tensor:
    """``prod_i (1 - 2 [p_i > 1/2] [x_i < 0])``, which is -1 or 1, features first."""
    return product(1 - 2 * (p > 0.5).to(x.dtype) * is_negative(x))


def lesson(x: Tensor, eps: float, *, W_add: Tensor, W_mul: Tensor, p: Tensor, gate: Tensor) -> Tensor:
    """The output of a training pass, features first.

    What stands before the unit hears of a draw as far as the gate trusts it: the gradient for x is the draw's own,
    times ``(1 + gate) / 2`` for the sum, ``(1 - gate) / 2`` for the product, 0 for one that teaches the signs.

    Raises:
        RuntimeError: ``torch.compile`` traces it.
    """
    if torch.compiler.is_compiling():  # under torch.func.grad it would drop the gradients below in silence (2.13)
        raise RuntimeError("The AMU's training pass has gradients of its own, which torch.compile drops.")
    add, mul, parity, choice = (weight.detach() for weight in (W_add, W_mul, p, gate))
    a = (add * x).sum(0)
    magnitude = bounded_exp((mul * x.abs().clamp_min(eps).log()).sum(0))
    drawn, share = torch.rand_like(a), _share(choice)
    adds = drawn < share
    soft = drawn > 1 - SOFT * (1 - share)
    signs = torch.where(soft, product(_factors(x, parity)), whole_signs(x, parity))
    y = torch.where(adds, a, signs * magnitude)
    trust = torch.where(adds, (1 + choice) / 2, (1 - choice) / 2).clamp(0, 1).masked_fill(soft, 0)
    nothing: Tensor = _Lesson.apply(W_add, W_mul, p, gate, x.detach(), adds, soft, eps)  # type: ignore[no-untyped-call]
    return y.detach() + trust * (y - y.detach()) + nothing


class _Lesson(torch.autograd.Function):
    """Adds nothing, and turns the gradient that comes back into those of the weights, in float64."""

    @staticmethod
    def forward(*inputs: Any) -> Tensor:
        *_, x, adds, _, _ = inputs
        return torch.zeros_like(adds, dtype=x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004
        *tensors, ctx.eps = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        *weights, x, adds, soft = ctx.saved_tensors
        W_add, W_mul, p, gate, x, g = (tensor.double().unsqueeze(-1) for tensor in (*weights, x, *gradients))
        adds, soft = adds.unsqueeze(-1), soft.unsqueeze(-1)  # a single vector is a batch of one row
        rows = [axis for axis in range(W_add.ndim - 1) if W_add.shape[axis + 1] == 1]
        g = g.nan_to_num(0, 0, 0) * math.prod(g.shape[axis] for axis in rows)  # a mean over rows becomes a sum
        z = x.abs().clamp_min(ctx.eps).log()
        magnitude = bounded_exp((W_mul * z).sum(0))
        m, whole, share = whole_signs(x, p) * magnitude, ~adds & ~soft, _share(gate)
        gain = g * ((W_add * x).sum(0) - m) * (adds / share + whole / ((1 - share) * (1 - SOFT)))
        difference = gain.sum(rows, keepdim=True) / gain.abs().sum(rows, keepdim=True).clamp_min(TINY)
        learned = (
            _newton_step(x, g, adds, W_add, rows),
            _newton_step(z, g / m, whole, W_mul, rows),
            _within(p, _strongest_pull(x, p, g / magnitude * soft, rows) + PULL * (p - _leaning(x, p, W_mul, rows)), 0),
            _within(gate, difference.reshape(gate.shape), -1),
        )
        return *(v.reshape(w.shape).to(w.dtype) for v, w in zip(learned, weights, strict=True)), None, None, None, None


def _share(gate: Tensor) -> Tensor:
    """Chance of the sum to be drawn."""
    return ((1 + gate) / 2).clamp(LEAST, 1 - LEAST)


def _factors(x: Tensor, p: Tensor) -> Tensor:
    """``1 - 2 p_i [x_i < 0]``."""
    return 1 - 2 * p.clamp(0, 1) * is_negative(x)


def _newton_step(features: Tensor, g: Tensor, own: Tensor, W: Tensor, rows: list[int]) -> Tensor:
    """``M^-1 mean(features g)`` over a draw's own rows, M their second moments; its norm is ``STEADY`` at most."""

    def by_replica(values: Tensor) -> Tensor:
        """Features first to ``(replicas, features, rows)``."""
        flat = values.expand(-1, *g.shape).movedim([row + 1 for row in rows], list(range(-len(rows), 0)))
        return flat.reshape(len(values), W[0].numel(), -1).transpose(0, 1)

    v, mask, g = by_replica(features), by_replica(own.to(g.dtype).unsqueeze(0)), by_replica(g.unsqueeze(0))
    size = g.abs().masked_fill(mask == 0, math.nan).nanmedian(-1, keepdim=True).values.nan_to_num()
    count = mask.sum(-1, keepdim=True).clamp_min(1)
    moments = (v * mask) @ v.mT / count
    ridge = RIDGE * moments.diagonal(dim1=-2, dim2=-1).mean(-1)[..., None, None] + TINY
    slope = v @ (torch.minimum(g.abs(), CLIP * size) * g.sign() * mask).mT / count
    step: Tensor = torch.linalg.solve(moments + ridge * torch.eye(len(features), dtype=g.dtype, device=g.device), slope)
    step = STEADY * step / step.norm(dim=1, keepdim=True).clamp_min(1)
    return step.squeeze(-1).t().reshape(W.shape)


def _strongest_pull(x: Tensor, p: Tensor, g: Tensor, rows: list[int]) -> Tensor:
    """The gradient for the parity that it pulls most, one an output, over the sum of sizes; 0 for the others."""
    factors = _factors(x, p)
    one = torch.ones_like(factors[:1])
    others = torch.cat((one, factors[:-1])).cumprod(0) * torch.cat((factors[1:], one)).flip(0).cumprod(0).flip(0)
    pull = (-2 * is_negative(x) * others * g).sum([row + 1 for row in rows], keepdim=True)
    pull = pull / g.abs().sum(rows, keepdim=True).clamp_min(TINY)
    return torch.where(pull.abs() >= pull.abs().amax(0, keepdim=True), pull, 0.0)


def _leaning(x: Tensor, p: Tensor, W_mul: Tensor, rows: list[int]) -> Tensor:
    """Where a parity tends to: with negative inputs to 0 or 1, whichever is nearer; else to that of the exponent."""
    seen = is_negative(x).amax([row + 1 for row in rows], keepdim=True) > 0
    return torch.where(seen, (p > 0.5).to(p.dtype), ((W_mul + 1) % 2 - 1).abs())


def _within(weight: Tensor, gradient: Tensor, lowest: float) -> Tensor:
    """The gradient, without what would carry a weight further out of ``[lowest, 1]``."""
    outward = ((weight <= lowest) & (gradient > 0)) | ((weight >= 1) & (gradient < 0))
    return gradient.masked_fill(outward, 0)
