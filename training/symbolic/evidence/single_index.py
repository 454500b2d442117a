"""Single-index laws: functions of one sum, or one product of powers, of the columns (Ichimura 1993)."""

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.all_constants import all_constants
from training.symbolic.candidate import Candidate
from training.symbolic.evidence.bits import FUNCTION, all_exponents, exponent_bits, fitted_exponents
from training.symbolic.evidence.variable import Variable

ROWS = 200
STEP, PARALLEL = 1e-5, 1e-7
"""Of a column's range, for its derivatives; how far those of one row may be from parallel to those of another."""


def single_index(candidate: Candidate, inputs: FloatArray) -> Variable | None:
    """The one variable that a law of several columns is a function of; None if it is of more.

    Args:
        candidate: with fitted constants.
        inputs: ``(rows, columns)``.
    """
    places, powers = np.flatnonzero(candidate.used), candidate.sum_exponents
    if len(places) < 2 or (len(candidate.constants) == 1 and not candidate.features):
        return None
    slopes = _slopes(candidate, inputs[:ROWS], places)
    direction = _common_direction(slopes)
    if direction is None:
        return None
    values = inputs[:, places] @ direction
    numbers = sorted({abs(number) for number in all_constants(candidate).tolist()})
    numbers += set(fitted_exponents(all_exponents(candidate)))
    structure = sum(exponent_bits(power) for power in powers.tolist() if power != 1) + FUNCTION * len(
        candidate.features
    )
    ratios = sorted(numbers, key=lambda number: len(f"{number:.15g}"))[: len(numbers) - (len(places) - 1)]
    return Variable(values, places.tolist(), ratios, structure, candidate.predict(inputs)[:, None])


def _slopes(candidate: Candidate, inputs: FloatArray, places: IntArray) -> FloatArray:
    """Derivatives by some columns, by central differences, ``(rows, places)``."""
    slopes = []
    for place in places:
        step = STEP * float(np.ptp(inputs[:, place]) or 1.0)
        low, high = inputs.copy(), inputs.copy()
        low[:, place] -= step
        high[:, place] += step
        slopes.append((candidate.predict(high) - candidate.predict(low)) / (2 * step))
    return np.stack(slopes, 1)


def _common_direction(slopes: FloatArray) -> FloatArray | None:
    """The direction of all rows' derivatives; None where they differ, or one is not finite."""
    length = np.linalg.norm(slopes, axis=1)
    sound = np.isfinite(length) & (length > 1e-6 * np.median(length))
    if sound.mean() < 0.9 or sound.sum() < 2:
        return None
    units = slopes[sound] / length[sound, None]
    direction = units[0]
    return direction if (1 - np.abs(units @ direction)).max() < PARALLEL else None
