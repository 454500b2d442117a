"""Predictions of networks, and their errors."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.arrays import FloatArray, IntArray

NEAR_ZERO = 1e-3
"""Share of the root mean square of all targets below which errors are relative to it, in plots and comparisons."""


def predict(network: nn.Module, inputs: NDArray[Any]) -> NDArray[Any]:
    """Predictions of a PyTorch network for a batch."""
    with torch.no_grad():
        output: Tensor = network(torch.from_numpy(inputs))
    return output.numpy()


def root_mean_square(values: NDArray[Any]) -> float:
    """The root mean square, 0 of no values; exact too where squares overflow or underflow, as those of 1e200."""
    return _scaled(values, lambda scaled: float(np.sqrt(np.mean(scaled**2))))


def relative_rmse(predicted: FloatArray, target: FloatArray, weights: FloatArray | None = None) -> float:
    """Root mean square error over the target's root mean square.

    An error relative to nothing is absolute: where the target is 0 in every row, the result is the root mean square
    error itself, in the unit of the target. Not finite where a prediction is not. Squares are weighted where rows, the
    first axis, have weights.
    """
    with np.errstate(all="ignore"):
        root = np.sqrt(_along_rows(weights, target.ndim))
        predicted, target = root * predicted, root * target
        return root_mean_square(predicted - target) / (root_mean_square(target) or 1.0)


def relative_errors(predicted: FloatArray, target: FloatArray, floor: float = 0.0) -> FloatArray:
    """Every row's ``|error|`` over the size of its target.

    The size of a target of 0 is the root mean square of all targets; where that is 0 too, the error is absolute.

    Args:
        predicted: the predictions; any shape.
        target: the truth, of the same shape.
        floor: the least size of a target, as a share of the root mean square of all.
    """
    typical = root_mean_square(target)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(target), floor * typical)
        return np.asarray(np.abs(predicted - target) / np.where(size > 0, size, typical or 1.0))


def regression_errors(
    predicted: FloatArray, target: FloatArray, weights: FloatArray | None = None
) -> dict[str, float | int | None]:
    """Errors of predictions, each a name and a value.

    Args:
        predicted: the predictions; any shape.
        target: the truth, of the same shape.
        weights: of the rows, the first axis, above 0; None: all count alike. Means are weighted, maxima not.

    Returns:
        ``rows``; ``mae`` and ``rmse`` in the unit of the target; ``relative_rmse``, see there;
        ``max_relative_error``, the largest ``|error| / |target|`` over targets that are not 0. Where all targets are
        0, these two are absolute, and ``absolute`` is True. A value that is not finite (an overflow, a division by
        zero) is None. Without rows: ``{"rows": 0}``.
    """
    if target.size == 0:
        return {"rows": 0}
    nonzero = target != 0 if target.any() else np.full(target.shape, fill_value=True)
    with np.errstate(all="ignore"):
        error, w = np.abs(predicted - target), _along_rows(weights, target.ndim)
        values = {
            "mae": _scaled(w * error, lambda scaled: float(scaled.mean())),
            "rmse": root_mean_square(np.sqrt(w) * error),
            "relative_rmse": relative_rmse(predicted, target, weights),
            "max_relative_error": float(relative_errors(predicted, target)[nonzero].max()),
        }
    finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
    return {"rows": len(target), **finite, **({} if target.any() else {"absolute": True})}


def classification_errors(probabilities: FloatArray, labels: IntArray) -> dict[str, float | int | None]:
    """``rows`` and ``accuracy`` of class probabilities ``(rows, classes)`` against labels ``(rows,)``.

    A row whose probabilities are not all finite is of no class, and so not right. Without rows: ``{"rows": 0}``.
    """
    if not len(labels):
        return {"rows": 0}
    return {"rows": len(labels), "accuracy": float((predicted_classes(probabilities) == labels).mean())}


def predicted_classes(probabilities: FloatArray) -> IntArray:
    """The most probable class of each row, ``(rows,)``; -1, no class, where a probability is not finite."""
    return np.where(np.isfinite(probabilities).all(1), probabilities.argmax(1), -1)


def of_mean_one(weights: FloatArray) -> FloatArray:
    """Weights of rows, not all 0, divided by their mean: only ratios matter."""
    shares = weights / weights.max()  # a mean of large weights may overflow
    return np.asarray(shares / shares.mean())


def _along_rows(weights: FloatArray | None, axes: int) -> FloatArray:
    """Weights of mean 1 along the first of so many axes, to be broadcast; 1 without weights."""
    return np.ones((1,) * axes) if weights is None else of_mean_one(weights).reshape(-1, *(1,) * (axes - 1))


def _scaled(values: FloatArray, statistic: Callable[[FloatArray], float]) -> float:
    """A statistic in proportion to the values, by values scaled to 1 at most by a power of two; 0 of no values."""
    largest = float(np.max(np.abs(values), initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    exponent = math.frexp(largest)[1]
    return math.ldexp(statistic(np.ldexp(values, -exponent)), exponent)


def wilson_interval(successes: int, runs: int) -> tuple[float, float]:
    """95 % confidence interval of a success rate (Wilson 1927)."""
    z = 1.959964
    rate = successes / runs
    middle = (rate + z**2 / (2 * runs)) / (1 + z**2 / runs)
    half = z / (1 + z**2 / runs) * math.sqrt(rate * (1 - rate) / runs + z**2 / (4 * runs**2))
    return max(0.0, middle - half), min(1.0, middle + half)
