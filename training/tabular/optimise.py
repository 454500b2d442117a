"""Fits a small network to a whole table: first with Adam, then with L-BFGS."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from models.arrays import FloatArray
from training.symbolic.deadline import NO_DEADLINE, Deadline, DeadlineError
from training.trainer.clamping import clamp_to_bounds
from training.trainer.finite import first_not_finite

ADAM_STEPS = 600
LBFGS_STEPS = 300
LBFGS_ROUNDS = 5
MAX_EXPONENT = 1000
"""Of the powers of two that columns are scaled by; larger ones are not finite in float64."""


def train_arithmetic(
    network: nn.Module,
    inputs: Tensor,
    target: Tensor,
    deadline: Deadline = NO_DEADLINE,
    weights: FloatArray | None = None,
) -> float:
    """Fit a small network to a table, in place: first with Adam, then with L-BFGS.

    First-order steps alone stop far from precision, as the NALU's gate and the NAC's weights only creep
    towards saturation; second-order steps carry them to the precision of float64.

    Args:
        network: a float64 network; left in evaluation mode.
        inputs: ``(rows, columns)``.
        target: ``(rows, outputs)``, not all zero.
        deadline: checked before every step; the weights of that moment are kept.
        weights: of the rows, their mean 1, ``(rows, 1)``; None: 1.

    Returns:
        The last loss: mean squared error over mean squared target; infinity when training diverged.
    """
    unit = power_of_two(target)
    of_rows = torch.ones(1) if weights is None else torch.from_numpy(weights)
    scale = ((target * unit).square() * of_rows).mean()

    def error() -> Tensor:
        value: Tensor = (((network(inputs) - target) * unit).square() * of_rows).mean() / scale
        return value

    _warm_up(network, error, deadline)
    network.eval()  # without what a unit does in training alone, such as noise
    for _ in range(LBFGS_ROUNDS):
        before = error().item()
        _descend(network, error, deadline)
        if not 0 < error().item() < before / 10:
            break
    clamp_to_bounds(network)
    last = error().item()
    return last if math.isfinite(last) and not first_not_finite(network) else math.inf


def power_of_two(data: Tensor) -> Tensor:
    """For each column the power of two that brings its largest size near 1: squares neither overflow nor vanish.

    Scaling by it is exact, so nothing else changes.

    Args:
        data: ``(rows, columns)``, float64, finite.
    """
    exponents = np.frexp(data.abs().amax(0).numpy())[1]
    return torch.from_numpy(np.ldexp(1.0, -exponents.clip(-MAX_EXPONENT, MAX_EXPONENT)))


def _warm_up(network: nn.Module, error: Callable[[], Tensor], deadline: Deadline) -> None:
    """Adam, until the time is up or a weight is not finite."""
    network.train()
    adam = torch.optim.Adam(network.parameters(), lr=0.05)
    for _ in range(ADAM_STEPS):
        adam.zero_grad()
        value = error()
        value.backward()  # type: ignore[no-untyped-call]
        adam.step()
        clamp_to_bounds(network)
        if deadline.remaining <= 0 or (not value.isfinite() and first_not_finite(network)):
            break


def _descend(network: nn.Module, error: Callable[[], Tensor], deadline: Deadline) -> None:
    """One run of L-BFGS. Its line search gives up at steps below 1e-9, so the error is scaled to start at 1."""
    scale = error().detach()
    lbfgs = torch.optim.LBFGS(
        network.parameters(),
        max_iter=LBFGS_STEPS,
        max_eval=2 * LBFGS_STEPS,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    best = math.inf, nn.utils.parameters_to_vector(network.parameters()).detach()

    def closure() -> Tensor:
        nonlocal best
        deadline.check()
        lbfgs.zero_grad()
        value = error() / scale
        value.backward()  # type: ignore[no-untyped-call]
        if value.item() < best[0]:
            best = value.item(), nn.utils.parameters_to_vector(network.parameters()).detach()
        return value

    if math.isfinite(scale.item()) and scale.item() > 0:
        try:
            lbfgs.step(closure)  # type: ignore[no-untyped-call]
        except DeadlineError:  # in the middle of a line search
            nn.utils.vector_to_parameters(best[1], network.parameters())
