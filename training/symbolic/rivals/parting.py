"""Where two formulas part: the nearest place outside the rows' range at which they differ by more than noise."""

from collections.abc import Iterator, Mapping

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate

FACTORS = (2.0, 3.5, 5.0)
"""Times the range, at which formulas are compared."""
TIMES_NOISE, MIN_SHARE = 10.0, 1e-3
"""How many times the noise, and which share of the value, formulas differ by where they part."""


def parting(
    candidate: Candidate, rival: Candidate, inputs: FloatArray, constant_noise: float, relative_noise: float
) -> Mapping[int, float] | None:
    """Values of some columns, the others at their medians, at which two formulas part; None where they never do.

    Args:
        candidate: finite where they are compared.
        rival: parts where it is not finite.
        inputs: ``(rows, columns)``.
        constant_noise: the standard deviation of noise of one size.
        relative_noise: that of noise in proportion.
    """
    used = np.flatnonzero(candidate.used | rival.used).tolist()
    places = list(_places(used, inputs))
    points = np.repeat(np.median(inputs, axis=0)[None], len(places), axis=0)
    for point, place in zip(points, places, strict=True):
        point[list(place)] = list(place.values())
    with np.errstate(all="ignore"):
        ours, theirs = candidate.predict(points), rival.predict(points)
        noise = np.maximum(constant_noise, relative_noise * np.abs(ours))
        apart = ~(np.abs(ours - theirs) <= np.maximum(TIMES_NOISE * noise, MIN_SHARE * np.abs(ours)))
    where = np.flatnonzero(apart & np.isfinite(ours))
    return places[int(where[0])] if len(where) else None


def _places(columns: list[int], inputs: FloatArray) -> Iterator[dict[int, float]]:
    """Values outside the range: of one column at twice the range, then farther, then of all columns together."""
    outer = {column: list(_outside(inputs[:, column])) for column in columns}
    for step in range(len(FACTORS)):
        for column in columns:
            yield from ({column: value} for value in outer[column][step])
    for step in range(len(FACTORS)):
        if len(columns) > 1:
            yield {column: outer[column][step][0] for column in columns}


def _outside(column: FloatArray) -> Iterator[list[float]]:
    """For each factor, values beyond both ends of a column."""
    low, high = float(column.min()), float(column.max())
    middle, half = (low + high) / 2, (high - low) / 2
    for factor in FACTORS:
        if low > 0:
            yield [high * factor, low / factor]
        elif high < 0:
            yield [low * factor, high / factor]
        elif low == 0:
            yield [high * factor]
        else:
            yield [middle + factor * half, middle - factor * half]
