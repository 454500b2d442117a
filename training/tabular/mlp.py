"""The MLP baseline of arithmetic models, with as many parameters as the model."""

from contextlib import suppress

import numpy as np
import scipy.optimize
import torch
from torch import Tensor, nn

from models.arrays import FloatArray
from training.symbolic.deadline import NO_DEADLINE, Deadline, DeadlineError
from training.tabular.optimise import power_of_two

ITERATIONS = 2_000
"""Of L-BFGS, at most; it ends where the loss, 1 at first, falls by less than ``TOLERANCE`` in an iteration."""
TOLERANCE = 1e-9


class MLP(nn.Module):
    """One hidden layer of ReLU units on standardised inputs; its output is scaled back to the target.

    Args:
        inputs: the training inputs, which set centre and scale. ``(rows, columns)``.
        target: the training target, likewise. ``(rows, 1)``.
        parameters: at least so many trained parameters; the smallest hidden layer that has them.
    """

    def __init__(self, inputs: Tensor, target: Tensor, parameters: int) -> None:
        super().__init__()
        columns = inputs.shape[1]
        hidden = max(1, -(-(parameters - 1) // (columns + 2)))
        self.layers = nn.Sequential(nn.Linear(columns, hidden), nn.ReLU(), nn.Linear(hidden, 1)).to(inputs.dtype)
        for name, data in (("input", inputs), ("target", target)):
            unit = power_of_two(data)
            spread = (data * unit).std(0) / unit
            self.register_buffer(f"{name}_mean", (data * unit).mean(0) / unit)
            self.register_buffer(f"{name}_spread", torch.where(spread > 0, spread, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layers(self.standardised(x, "input"))
        return y * self.get_buffer("target_spread") + self.get_buffer("target_mean")

    def standardised(self, values: Tensor, name: str) -> Tensor:
        """Inputs or targets with the training rows' mean at 0 and their spread at 1."""
        return (values - self.get_buffer(f"{name}_mean")) / self.get_buffer(f"{name}_spread")


def train_mlp(
    mlp: MLP,
    inputs: Tensor,
    target: Tensor,
    deadline: Deadline = NO_DEADLINE,
    weights: FloatArray | None = None,
) -> None:
    """Fit an MLP to a table, in place, by L-BFGS until it converges or the time is up.

    Args:
        mlp: the network, in float64.
        inputs: ``(rows, columns)``.
        target: ``(rows, 1)``.
        deadline: the best weights until then are kept.
        weights: of the rows, their mean 1, ``(rows, 1)``; None: 1.
    """
    x, y = mlp.standardised(inputs, "input").numpy(), mlp.standardised(target, "target").numpy()
    loss = _Loss(x, y, deadline, np.ones(len(x)) if weights is None else weights[:, 0])
    start = nn.utils.parameters_to_vector(mlp.parameters()).detach().numpy()
    options = {"maxiter": ITERATIONS, "maxfun": 2 * ITERATIONS, "ftol": TOLERANCE}
    with suppress(DeadlineError):
        scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    if loss.best is not None:
        nn.utils.vector_to_parameters(torch.from_numpy(loss.best), mlp.parameters())


class _Loss:
    """Mean squared error of an MLP's parameters, in their order, and its gradient; keeps the best parameters seen."""

    def __init__(self, x: FloatArray, y: FloatArray, deadline: Deadline, weights: FloatArray) -> None:
        self.x, self.y, self.deadline, self.weights = x, y, deadline, weights
        self.least = np.inf
        self.best: FloatArray | None = None

    def __call__(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        if self.best is not None:
            self.deadline.check()
        columns = self.x.shape[1]
        hidden = (len(parameters) - 1) // (columns + 2)
        weights, bias, outer, offset = np.split(
            parameters, [hidden * columns, hidden * (columns + 1), len(parameters) - 1]
        )
        units = np.maximum(self.x @ weights.reshape(hidden, columns).T + bias, 0.0)
        off = units @ outer + offset - self.y[:, 0]
        slope = self.weights * off * (2 / len(off))
        inner = (units > 0) * (slope[:, None] * outer)
        gradient = [(inner.T @ self.x).ravel(), inner.sum(0), units.T @ slope, slope.sum(keepdims=True)]
        value = float(np.mean(self.weights * off**2))
        if value < self.least:
            self.least, self.best = value, parameters.copy()
        return value, np.concatenate(gradient)


def count_parameters(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
