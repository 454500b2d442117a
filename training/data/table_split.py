"""Splits the rows of a table for training, interpolation and extrapolation."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, IntArray
from training.errors import InputError

MIN_ROWS = 10
OUTER_SHARE = 0.1
INTERPOLATION_SHARE = 0.2


@dataclass(frozen=True)
class Part:
    """Some rows: inputs ``(rows, columns)``, target ``(rows, 1)``, and where they have them numbers and weights,
    ``(rows,)``.
    """

    inputs: FloatArray
    target: FloatArray
    numbers: IntArray | None = None
    weights: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def at(self, places: IntArray) -> "Part":
        """The rows at these places."""
        numbers = None if self.numbers is None else self.numbers[places]
        weights = None if self.weights is None else self.weights[places]
        return Part(self.inputs[places], self.target[places], numbers, weights)


@dataclass(frozen=True)
class Split:
    """Rows to train on, rows between them that measure interpolation, rows outside that measure extrapolation."""

    train: Part
    interpolation: Part
    extrapolation: Part
    drawn_from: tuple[float, float] | None = None
    """The range that every column was drawn from, where that is known."""

    @property
    def ranges(self) -> list[tuple[float, float]]:
        """Lowest and highest value of every column within which the model was trained and chosen."""
        if self.drawn_from is not None:
            return [self.drawn_from] * self.train.inputs.shape[1]
        inner = np.concatenate([self.train.inputs, self.interpolation.inputs])
        return [(float(low), float(high)) for low, high in zip(inner.min(0), inner.max(0), strict=True)]

    def distance(self, inputs: FloatArray) -> FloatArray:
        """How far each row lies from the middle of the ranges: 1 is their edge, 2 twice as far. ``(rows,)``."""
        low, high = np.array(self.ranges).T
        half = np.where(high > low, (high - low) / 2, 1.0)
        return np.asarray((np.abs(inputs - (low + high) / 2) / half).max(1))


def from_median(inputs: FloatArray) -> FloatArray:
    """How far each number lies from its column's median, in units of the column's range: ``(rows, columns)``."""
    spread = np.ptp(inputs, axis=0)
    return np.asarray(np.abs(inputs - np.median(inputs, axis=0)) / np.where(spread > 0, spread, 1.0))


def split_table(
    inputs: FloatArray,
    target: FloatArray,
    seed: int,
    source: str = "The table",
    numbers: IntArray | None = None,
    weights: FloatArray | None = None,
) -> Split:
    """Hold out the outermost tenth of the rows for extrapolation, and a random fifth of the others for interpolation.

    A row is outermost when one of its columns lies farthest from that column's median, in units of the column's
    range, so every held-out outer row lies outside the box of the training rows. Columns whose lowest or highest
    value is that of more than a tenth of the rows, such as yes and no, have no outside and do not count. Where ties
    leave no row outside, the extrapolation part is empty.

    ``source`` is what messages call the table, and ``numbers`` are what they call its rows. Rows of weight 0 count as
    none.

    Raises:
        InputError: fewer than 10 rows, or a target that never changes.
    """
    whole = Part(inputs, target, numbers, weights)
    if weights is not None and (weights == 0).any():
        whole, source = whole.at(np.flatnonzero(weights)), f"{source}, without its rows of weight 0,"
    inputs, rows = whole.inputs, len(whole)
    if rows < MIN_ROWS:
        raise InputError(f"{source} has {rows} rows; training and checking need at least {MIN_ROWS}, so add rows.")
    at_an_end = np.maximum((inputs == inputs.min(0)).mean(0), (inputs == inputs.max(0)).mean(0))
    distance = from_median(inputs)[:, at_an_end <= OUTER_SHARE].max(1, initial=0.0)
    outer = distance > np.quantile(distance, 1 - OUTER_SHARE, method="lower")
    inner = np.random.default_rng(seed).permutation(np.flatnonzero(~outer))
    held_out = max(1, round(INTERPOLATION_SHARE * len(inner)))
    parts = (inner[held_out:], inner[:held_out], np.flatnonzero(outer))
    train, interpolation, extrapolation = (whole.at(index) for index in parts)
    if np.ptp(train.target) == 0:
        value = train.target[0, 0]
        raise InputError(
            f"{source} has the target {value:g} in every training row, so there is nothing to learn; vary it."
        )
    return Split(train, interpolation, extrapolation)
