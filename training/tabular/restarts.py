"""Training from several starts: the network with the least error on held-out rows is kept."""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from models.arrays import FloatArray
from models.networks import Network
from training.data.table_split import Part
from training.metrics import of_mean_one, predict, relative_rmse
from training.symbolic.deadline import Deadline
from training.tabular.mlp import MLP, train_mlp
from training.tabular.optimise import train_arithmetic
from training.trainer.finite import first_not_finite

AnyNetwork = TypeVar("AnyNetwork", bound=nn.Module)

GOOD_ENOUGH = 1e-10
"""Interpolation error (relative RMSE) at which no further restart is tried."""
EQUAL_ERROR = 1e-6
"""Networks whose interpolation errors are below this count as equally good."""
MLP_STARTS = 3
"""Starts of the MLP for each of a unit: they are cheap, and one in four or so ends in the best minimum."""


def best_restart(
    unit: str, dims: Sequence[int], train: Part, held_out: Part, restarts: int, deadline: Deadline
) -> tuple[Network, float]:
    """The best network of a unit, with exact weights where they do as well, and its error on held-out rows."""
    tensors = _tensors(train)

    def start() -> Network:
        network = Network(unit, dims).double()
        train_arithmetic(network, *tensors, deadline, _weights(train))
        exact = network.exact()
        as_good = error_on(exact, held_out) <= max(EQUAL_ERROR, 2 * error_on(network, held_out))
        return exact if as_good else network.eval()

    return _best_of(restarts, start, held_out, f"{unit} {list(dims)}", deadline)


def best_mlp(train: Part, parameters: int, held_out: Part, restarts: int, deadline: Deadline) -> MLP | None:
    """The best MLP with at least so many parameters; None where none gives finite numbers."""
    tensors = _tensors(train)

    def start() -> MLP:
        mlp = MLP(*tensors, parameters=parameters)
        train_mlp(mlp, *tensors, deadline, _weights(train))
        return mlp

    mlp, error = _best_of(MLP_STARTS * restarts, start, held_out, "MLP", deadline)
    return mlp if error < np.inf else None


def _best_of(
    restarts: int, start: Callable[[], AnyNetwork], held_out: Part, title: str, deadline: Deadline
) -> tuple[AnyNetwork, float]:
    """The network with the least error on held-out rows, and that error; infinity if none is finite."""
    best, least = None, np.inf
    for _ in tqdm(range(restarts), desc=title, unit="start", disable=None):
        network = start()
        error = error_on(network, held_out)
        if best is None or error < least:
            best, least = network, error
        if least <= GOOD_ENOUGH or deadline.remaining <= 0:
            break
    assert best is not None
    return best, least


def error_on(network: nn.Module, part: Part) -> float:
    """Relative RMSE, weighted where the rows are; infinity where it, or a weight, is not finite."""
    if first_not_finite(network) is not None:
        return np.inf
    error = relative_rmse(predict(network, part.inputs), part.target, part.weights)
    return error if math.isfinite(error) else np.inf


def _tensors(part: Part) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(part.inputs), torch.from_numpy(part.target)


def _weights(part: Part) -> FloatArray | None:
    """Weights of the rows, their mean 1, ``(rows, 1)``."""
    return None if part.weights is None else of_mean_one(part.weights)[:, None]
