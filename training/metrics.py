"""Predictions of networks, and their errors."""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.arrays import FloatArray, IntArray


def predict(network: nn.Module, inputs: NDArray[Any]) -> NDArray[Any]:
    """Predictions of a PyTorch network for a batch."""
    with torch.no_grad():
        output: Tensor = network(torch.from_numpy(inputs))
    return output.numpy()


def regression_errors(predicted: FloatArray, target: FloatArray) -> dict[str, float | int | None]:
    """Errors of predictions, each a name and a value.

    Args:
        predicted: the predictions; any shape.
        target: the truth, of the same shape.

    Returns:
        ``rows``; ``mae`` and ``rmse`` in the unit of the target; ``relative_rmse``, the RMSE over the target's root
        mean square; ``max_relative_error``, the largest ``|error| / |target|`` over targets that are not 0. A value
        that is not finite (an overflow, a division by zero) is None. Without rows: ``{"rows": 0}``.
    """
    if target.size == 0:
        return {"rows": 0}
    with np.errstate(all="ignore"):
        error = np.abs(predicted - target)
        rmse = np.sqrt(np.mean(error**2))
        nonzero = target != 0
        values = {
            "mae": error.mean(),
            "rmse": rmse,
            "relative_rmse": rmse / np.sqrt(np.mean(target**2)),
            "max_relative_error": (error[nonzero] / np.abs(target[nonzero])).max(initial=0.0),
        }
    finite = {name: float(value) if np.isfinite(value) else None for name, value in values.items()}
    return {"rows": len(target), **finite}


def classification_errors(probabilities: FloatArray, labels: IntArray) -> dict[str, float | int | None]:
    """``rows`` and ``accuracy`` of class probabilities ``(rows, classes)`` against labels ``(rows,)``."""
    return {"rows": len(labels), "accuracy": float((probabilities.argmax(1) == labels).mean())}


def wilson_interval(successes: int, runs: int) -> tuple[float, float]:
    """95 % confidence interval of a success rate (Wilson 1927)."""
    z = 1.959964
    rate = successes / runs
    middle = (rate + z**2 / (2 * runs)) / (1 + z**2 / runs)
    half = z / (1 + z**2 / runs) * math.sqrt(rate * (1 - rate) / runs + z**2 / (4 * runs**2))
    return max(0.0, middle - half), min(1.0, middle + half)
