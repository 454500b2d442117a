"""Scales columns of extreme size by powers of ten before the search, and its result back.

Squares of numbers above 1e154 overflow and those below 1e-162 vanish, so a search at such sizes sees nothing. Powers of
ten keep constants simple, and multiples of 12 also under the exponents 1/2, 1/3 and 1/4.
"""

import math
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from models.arrays import BoolArray, FloatArray, IntArray
from models.law import Law
from training.symbolic.candidate import Candidate

USUAL_DECADES = 30
"""Columns whose largest size is 10 to the power of this, or its inverse, at most, are left as they are."""
STEP = 12
ROUNDING = 1e-6
"""Of a sum of exponents times a power of ten."""


@dataclass(frozen=True)
class Scaling:
    """Powers of ten that columns and target are divided by: ``columns`` ``(columns,)`` and ``target``."""

    columns: IntArray
    target: int

    @classmethod
    def of(cls, inputs: FloatArray, target: FloatArray) -> "Scaling":
        """Those that bring extreme columns of inputs ``(rows, columns)``, and the target ``(rows,)``, near 1."""
        return cls(np.array([_decades(column) for column in inputs.T], dtype=np.int64), _decades(target))

    @property
    def is_needed(self) -> bool:
        """Whether anything is scaled."""
        return bool(self.columns.any() or self.target)

    def restored(self, candidate: Candidate) -> Candidate:
        """The candidate for the columns as they are; a constant that float64 cannot hold becomes 0 or infinite."""
        sum_index, powers = candidate.sum_index, candidate.sum_exponents
        decades = -(candidate.exponents[:, : candidate.width] @ self.columns)
        decades = decades + np.where(sum_index == 0, self.target / powers[0], 0.0)
        for k in range(1, len(powers)):  # sums have a scale in common: that of the others goes to the first
            shared = decades[sum_index == k][0]
            decades = decades - np.where(sum_index == k, shared, 0.0)
            decades = decades + np.where(sum_index == 0, shared * powers[k] / powers[0], 0.0)
        pairs = zip(candidate.constants.tolist(), decades.tolist(), strict=True)
        arguments = replace(self, target=0)
        features = tuple(feature.mapped(arguments.restored) for feature in candidate.features)
        return replace(candidate, constants=np.array([_times_ten_to(*pair) for pair in pairs]), features=features)

    def network(self, candidate: Candidate, places: BoolArray) -> Law:
        """The restored candidate as a network on a wider table, which holds its columns at these places."""
        return self.restored(candidate).widened(places).network()


def scaled(inputs: FloatArray, target: FloatArray) -> tuple[Scaling, FloatArray, FloatArray]:
    """The scaling that inputs ``(rows, columns)`` and target ``(rows,)`` need, and both of them scaled."""
    scaling = Scaling.of(inputs, target)
    return scaling, _divided(inputs, scaling.columns), _divided(target, np.int64(scaling.target))


def _decades(values: FloatArray) -> int:
    """The multiple of ``STEP`` nearest to the largest size's power of ten, 0 where that is usual or the size is 0."""
    size = float(np.abs(values).max())
    decades = math.log10(size) if size else 0.0
    return 0 if abs(decades) <= USUAL_DECADES else STEP * round(decades / STEP)


def _divided(values: FloatArray, decades: IntArray | np.int64) -> FloatArray:
    """Values over powers of ten, in two steps, as the inverse of the smallest numbers is not finite."""
    half = decades // 2
    return np.asarray(values / 10.0**half / 10.0 ** (decades - half))


def _times_ten_to(constant: float, decades: float) -> float:
    """A constant times a power of ten, of the same digits where the power is whole."""
    whole = round(decades)
    rest = decades - whole
    return float(Decimal(repr(constant * 10.0**rest if abs(rest) > ROUNDING else constant)).scaleb(whole))
