"""What measured errors say about a model on columns of numbers: one sentence each, in agreement with the numbers."""

import math
from collections.abc import Mapping
from typing import Any

Errors = Mapping[str, Any]
"""Errors of one part, as ``training.metrics.regression_errors`` has them, with the MLP's under ``"mlp"``."""

MAX_TRUSTED_ERROR = 1e-2
"""Relative RMSE above which a model is not trusted beyond its training range, unless it is a law's noise."""
MAX_NOISE, MAX_NOISE_RATIO = 0.15, 2.0
"""Relative RMSE that can be the noise of a law's rows, and how many times that within the range it may be beyond."""
MIN_DEPARTURE, MIN_DEPARTURE_RATIO = 1e-3, 10.0
"""Relative RMSE beyond the range, and how many times that within, from which on a law does not hold there."""
ROUNDING_ERROR = 3e-7
"""Relative RMSE that counts as rounding, of targets in float32 too: no model is better than another below it."""
CLEARLY_BETTER = 0.5
"""How many times the model's error the MLP's must be, or less, to fit better: less may be chance."""


def verdicts(interpolation: Errors, extrapolation: Errors, *, law: bool = False) -> list[str]:
    """Sentences about a model's errors within and beyond its training range.

    Args:
        interpolation: within the range.
        extrapolation: beyond it.
        law: the model is a law that a search accepted. Its errors are the noise of the rows, within the range and
            beyond; those of other models are their own.
    """
    sentences = []
    known = _target_size(interpolation) or _target_size(extrapolation)
    if interpolation.get("absolute") or extrapolation.get("absolute"):
        size = f"; elsewhere its size is {known:.1e}" if known else ""
        sentences.append(f"abs.: absolute, as the target is 0 in all rows of that part{size}.")
    target = known or 1.0
    ours, mlp = (_size(errors, target) for errors in (interpolation, interpolation.get("mlp", {})))
    if ours > ROUNDING_ERROR and mlp <= min(CLEARLY_BETTER * ours, MAX_TRUSTED_ERROR):
        sentences.append("The MLP fits better: the data may follow no law that this unit can represent.")
    beyond = _size(extrapolation, target)
    if extrapolation["rows"] == 0:
        sentences.append("No row lies outside the training range, so extrapolation is not measured.")
    elif math.isinf(beyond):
        sentences.append("Do not trust it outside the training range: its results there are not all finite.")
    elif law and beyond <= MAX_NOISE and _growth(interpolation, extrapolation, target) <= MAX_NOISE_RATIO:
        if beyond > MAX_TRUSTED_ERROR:
            sentences.append("Outside the training range the errors are no larger than within: the noise of the rows.")
    elif beyond > MAX_TRUSTED_ERROR:
        sentences.append("Do not trust it outside the training range: the error there is large.")
    elif law and beyond > max(MIN_DEPARTURE, MIN_DEPARTURE_RATIO * ours):
        sentences.append("Do not trust it outside the training range: the error there is far larger than within.")
    return sentences


def _size(errors: Errors, target: float) -> float:
    """Relative RMSE; of an absolute error, its share of the target's size elsewhere. Infinity where it is not known."""
    value = errors.get("relative_rmse")
    if value is None:
        return math.inf
    return float(value) / target if errors.get("absolute") else float(value)


def _growth(interpolation: Errors, extrapolation: Errors, target: float) -> float:
    """How many times larger errors are beyond the range, relative or absolute: noise is of one size or in proportion.

    Infinity where there is nothing to compare with.
    """
    pairs = [tuple(_size(errors, target) for errors in (interpolation, extrapolation))]
    pairs += [tuple(errors.get("rmse") or math.inf for errors in (interpolation, extrapolation))]
    return min((beyond / within for within, beyond in pairs if 0 < within < math.inf), default=math.inf)


def _target_size(errors: Errors) -> float:
    """Root mean square of a part's target, from an error that is known as such and relative to it; 0 without one."""
    for each in (errors, errors.get("mlp", {})):
        absolute, relative = each.get("rmse"), each.get("relative_rmse")
        if absolute and relative and not each.get("absolute"):
            return float(absolute / relative)
    return 0.0
