"""Evaluation: what a report shows of a model's held-out rows, as ``evaluation.json`` of its version folder holds it.

Intervals are of 95 %, from standard errors: the held-out rows are a sample, and other rows would give other errors.
"""

import math

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.arrays import FloatArray
from training.metrics import NEAR_ZERO, of_mean_one, relative_errors

EVALUATION_FILE = "evaluation.json"
Z95 = 1.959964
MOST_POINTS = 300
"""Held-out rows of each part whose predictions are kept, drawn at random."""
MOST_WORST = 10

Interval = tuple[float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EvaluatedPart(_Strict):
    """Some held-out rows: intervals of errors by network and name, and the target and predictions of a sample."""

    rows: int
    intervals: dict[str, dict[str, Interval]]
    actual: list[float] = []
    predicted: dict[str, list[float | None]] = {}


class WorstRow(_Strict):
    """A held-out row with one of the largest errors; ``image`` is a PNG in base64."""

    part: str
    row: str
    inputs: dict[str, float] = {}
    image: str | None = None
    actual: str
    predicted: str


class Evaluation(_Strict):
    """All held-out rows. ``confusion``: images by true and predicted class, of classifiers."""

    parts: dict[str, EvaluatedPart]
    worst: list[WorstRow] = Field(default_factory=list, max_length=MOST_WORST)
    confusion: list[list[int]] | None = None

    def to_json(self) -> bytes:
        """The content of ``evaluation.json``."""
        return f"{self.model_dump_json(exclude_defaults=True)}\n".encode()


def evaluate_part(
    target: FloatArray, predictions: dict[str, FloatArray], weights: FloatArray | None = None
) -> EvaluatedPart:
    """Evaluate predictions ``(rows,)`` of some networks, by their names, against their target ``(rows,)``."""
    shown = np.arange(len(target))
    if len(shown) > MOST_POINTS:
        shown = np.sort(np.random.default_rng(0).choice(shown, MOST_POINTS, replace=False))
    return EvaluatedPart(
        rows=len(target),
        intervals={name: error_intervals(values, target, weights) for name, values in predictions.items()},
        actual=[_short(value) or 0.0 for value in target[shown]],
        predicted={name: [_short(value) for value in values[shown]] for name, values in predictions.items()},
    )


def error_intervals(
    predicted: FloatArray, target: FloatArray, weights: FloatArray | None = None
) -> dict[str, Interval]:
    """95 % intervals of the mean absolute error and the relative RMSE; of an error that is not finite, none.

    The first is the mean and 1.96 standard errors on each side. The second is a ratio of two means, whose logarithm
    has a standard error by the delta method; without a target other than 0 there is none.

    Args:
        predicted: ``(rows,)``.
        target: ``(rows,)``.
        weights: of the rows, above 0; None: all count alike.
    """
    with np.errstate(all="ignore"):
        error = np.abs(predicted - target)
        largest, size = float(error.max(initial=0.0)), float(np.abs(target).max(initial=0.0))
        if len(target) < 2 or not math.isfinite(largest):
            return {}
        error, relative = error / (largest or 1.0), target / (size or 1.0)
        w = np.ones(len(target)) if weights is None else of_mean_one(weights)
        mean = float(np.mean(w * error))
        half = Z95 * math.sqrt(_variance_of_mean(w * (error - mean)))
        found = {"mae": (largest * max(0.0, mean - half), largest * (mean + half))}
        errors, sizes = float(np.mean(w * error**2)), float(np.mean(w * relative**2))
        if sizes == 0:
            return found
        ratio = largest / size * math.sqrt(errors / sizes)
        shift = 0.0 if errors == 0 else _variance_of_mean(w * (error**2 / errors - relative**2 / sizes))
        factor = math.exp(min(Z95 * math.sqrt(shift) / 2, 700.0))
        return {**found, "relative_rmse": (ratio / factor, ratio * factor)}


def worst_rows(target: FloatArray, predicted: FloatArray) -> list[int]:
    """Places of the rows ``(rows,)`` with the largest relative errors, the worst first; what is not finite is worst.

    Rows whose error is the rounding of float64 are left out.
    """
    errors = np.nan_to_num(relative_errors(predicted, target, NEAR_ZERO), nan=np.inf)
    order = np.argsort(-errors, kind="stable")[:MOST_WORST]
    return [int(place) for place in order if errors[place] > 1e-12]


def _variance_of_mean(deviations: FloatArray) -> float:
    count = len(deviations)
    return float(np.sum(deviations**2)) / (count * (count - 1))


def _short(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
