"""Dimensionless groups (Buckingham 1914): fewer columns, whose laws all agree in their units.

Some columns, as many as there are independent dimensions, are chosen to repeat: every other column is divided by the
product of their powers that has its dimension, and so is the target. A law of the quotients is a law of the columns.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from itertools import combinations, islice

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate
from training.symbolic.dimensions.dimensions import Dimensions
from training.symbolic.rational import simplest

MAX_CHOICES = 5_000
"""Choices of repeating columns that are compared, at most."""
LARGEST_DENOMINATOR = 12


@dataclass(frozen=True)
class DimensionlessGroups:
    """Products of powers of columns without dimension, and one with that of the target.

    Args:
        groups: exponents of the columns in each group, ``(groups, columns)``.
        unit: exponents of the columns in the product with the target's dimension, ``(columns,)``.
    """

    groups: FloatArray
    unit: FloatArray

    @classmethod
    def of(cls, dimensions: Dimensions, inputs: FloatArray) -> "DimensionlessGroups | None":
        """The groups of fewest and smallest powers; None where no positive columns can repeat, or none needs to.

        Args:
            dimensions: of the columns and the target, which allow a law.
            inputs: ``(rows, columns)``.
        """
        columns, target = dimensions.reduced()
        rank = int(np.linalg.matrix_rank(columns)) if columns.size else 0
        if rank == 0:
            return None
        positive = np.flatnonzero((inputs > 0).all(0))
        found = [
            cls._repeating(np.array(chosen, dtype=np.int64), columns, target)
            for chosen in islice(combinations(positive.tolist(), rank), MAX_CHOICES)
            if np.linalg.matrix_rank(columns[list(chosen)]) == rank
        ]
        return min(found, key=lambda groups: groups._size(), default=None)

    @classmethod
    def _repeating(cls, chosen: IntArray, columns: FloatArray, target: FloatArray) -> "DimensionlessGroups":
        others = np.setdiff1d(np.arange(len(columns)), chosen)
        solved = np.linalg.lstsq(columns[chosen].T, np.column_stack([columns[others].T, target]), rcond=None)[0]
        powers = np.array([[_simple(value) for value in row] for row in solved]).reshape(len(chosen), -1)
        groups, unit = np.zeros((len(others), len(columns))), np.zeros(len(columns))
        groups[np.arange(len(others)), others] = 1.0
        groups[:, chosen] = -powers[:, :-1].T
        unit[chosen] = powers[:, -1]
        return cls(groups, unit)

    def _size(self) -> tuple[int, float]:
        """How many powers are no whole numbers, and how large they are."""
        powers = np.vstack([self.groups, self.unit])
        return int(np.sum(powers != np.round(powers))), float(np.abs(powers).sum())

    def table(self, inputs: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Groups ``(rows, groups)``, and the target over its unit, and that unit, ``(rows,)``."""
        unit = _products(inputs, self.unit[None])[:, 0]
        return _products(inputs, self.groups), target / unit, unit

    def restored(self, candidate: Candidate, columns: IntArray | None = None) -> Candidate:
        """A candidate of groups, all or some, as one of the columns, times the unit of the target."""
        groups = self.groups if columns is None else self.groups[columns]
        found = _mapped(candidate, groups)
        own, first = found.exponents[:, : found.width], found.sum_exponents[0]
        own = own + np.where(found.sum_index[:, None] == 0, self.unit / first, 0.0)
        if len(found.sum_exponents) == 2 and first == -found.sum_exponents[1]:
            own = simplest(own)
        return _with_exponents(found, own)


def _mapped(candidate: Candidate, groups: FloatArray) -> Candidate:
    features = tuple(feature.mapped(partial(_mapped, groups=groups)) for feature in candidate.features)
    of_features = candidate.exponents[:, candidate.width :]
    exponents = np.concatenate([candidate.exponents[:, : candidate.width] @ groups, of_features], 1)
    signs = np.concatenate([np.ones((len(exponents), groups.shape[1])), candidate.signs[:, candidate.width :]], 1)
    mapped = replace(candidate, exponents=exponents, signs=signs, features=features)
    return _with_exponents(mapped, exponents[:, : groups.shape[1]])


def _with_exponents(candidate: Candidate, own: FloatArray) -> Candidate:
    """The candidate with other exponents of columns, negative ones of which count by parity."""
    own = np.round(own, 9)
    signs = np.where(own == np.round(own), 1.0 - 2 * (np.abs(own) % 2), np.nan)
    return replace(
        candidate,
        exponents=np.concatenate([own, candidate.exponents[:, candidate.width :]], 1),
        signs=np.concatenate([signs, candidate.signs[:, candidate.width :]], 1),
    )


def _simple(value: float) -> float:
    return float(Fraction(value).limit_denominator(LARGEST_DENOMINATOR))


def _products(inputs: FloatArray, exponents: FloatArray) -> FloatArray:
    """Products of powers, ``(rows, products)``; columns that may be negative have the powers 0 and 1."""
    with np.errstate(all="ignore"):
        products = [np.prod(np.where(row == 0, 1.0, inputs**row), axis=1) for row in exponents]
    return np.array(products).reshape(len(exponents), len(inputs)).T
