"""The dimensions of a table's columns, and whether those of a candidate agree."""

from dataclasses import dataclass, replace

import numpy as np
import sympy

from models.arrays import BoolArray, FloatArray
from training.symbolic.candidate import SCALED, Candidate, Feature

LARGEST_DENOMINATOR = 60
"""Of a power of a unit."""
TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False)
class Dimensions:
    """Powers of base units that columns, target and known constants have.

    Args:
        bases: symbols of the base units, such as ``("kg", "m", "s")``.
        columns: ``(columns, bases)``.
        target: ``(bases,)``.
        constants: of constants whose units the numbers of a law may have, ``(constants, bases)``.
        constant_names: of those that are no column.
    """

    bases: tuple[str, ...]
    columns: FloatArray
    target: FloatArray
    constants: FloatArray
    constant_names: tuple[str, ...] = ()

    def of_columns(self, places: BoolArray) -> "Dimensions":
        """The dimensions of a table that has only these columns; the others are constants there."""
        constants = np.concatenate([self.constants, self.columns[~places]])
        return replace(self, columns=self.columns[places], constants=constants)

    def reduced(self) -> tuple[FloatArray, FloatArray]:
        """Columns ``(columns, bases)`` and target ``(bases,)`` with constants as numbers without a unit.

        Two products agree up to the units of constants if and only if they agree here.
        """
        kept = np.eye(len(self.bases))
        if len(self.constants):
            vectors = _rational(self.constants).nullspace()
            kept = np.array([[float(value) for value in vector] for vector in vectors]).reshape(-1, len(self.bases)).T
        return self.columns @ kept, self.target @ kept

    def allow_a_law(self) -> bool:
        """Whether some product of powers of the columns, not all 0, has the target's dimension."""
        columns, target = self.reduced()
        if not columns.size:
            return not np.abs(target).sum() > TOLERANCE
        rank = int(np.linalg.matrix_rank(columns))
        if rank == len(columns) and not np.abs(target).sum() > TOLERANCE:
            return False  # only a number, in which no column is
        return int(np.linalg.matrix_rank(np.vstack([columns, target]))) == rank

    def of(self, candidate: Candidate) -> FloatArray | None:
        """The dimension of a candidate whose numbers have no unit but those of constants; None where terms disagree."""
        return _dimension(candidate, self.reduced()[0])

    def agree(self, candidate: Candidate) -> bool:
        """Whether a candidate has the target's dimension, without a number of another unit."""
        dimension, target = self.of(candidate), self.reduced()[1]
        return dimension is not None and bool(np.abs(dimension - target).max(initial=0) <= TOLERANCE)

    def remark_on(self, candidate: Candidate) -> str:
        """One sentence on the units of a law's numbers."""
        if self.agree(candidate):
            return "The units of the law agree."
        dimension = _dimension(candidate, self.columns)
        if dimension is None:
            return (
                "The law holds in these units alone: its terms differ in unit, unless some of its numbers have one; no "
                "law was found in which they agree."
            )
        return (
            f"The law's factor has the unit {self.unit(self.target - dimension)}; "
            "no law was found whose numbers have no unit."
        )

    def unit(self, dimension: FloatArray) -> str:
        """A dimension as a unit, such as ``kg*m/s**2``."""
        powers = [(base, _fraction(power)) for base, power in zip(self.bases, dimension, strict=True)]
        above = "*".join(_power(base, power) for base, power in powers if power > 0) or "1"
        below = [_power(base, -power) for base, power in powers if power < 0]
        bar = "*".join(below) if len(below) < 2 else f"({'*'.join(below)})"
        return f"{above}/{bar}" if below else above


def _dimension(candidate: Candidate, columns: FloatArray) -> FloatArray | None:
    """The dimension of a candidate of columns with these dimensions; None where terms or arguments disagree."""
    features = [_of_feature(feature, columns) for feature in candidate.features]
    known = [feature for feature in features if feature is not None]
    if len(known) < len(features):
        return None
    terms = candidate.exponents @ np.concatenate([columns, np.array(known).reshape(-1, columns.shape[1])])
    total = np.zeros(columns.shape[1])
    for k, power in enumerate(candidate.sum_exponents):
        own = terms[candidate.sum_index == k]
        if np.ptp(own, axis=0).max(initial=0) > TOLERANCE:
            return None
        total += power * own[0]
    return total


def _of_feature(feature: Feature, columns: FloatArray) -> FloatArray | None:
    """The dimension of a feature: that of its arguments where it scales with them; none of others, as of an angle."""
    arguments = [_dimension(argument, columns) for argument in feature.arguments]
    known = [argument for argument in arguments if argument is not None]
    if len(known) < len(arguments) or np.ptp(np.array(known), axis=0).max(initial=0) > TOLERANCE:
        return None
    if feature.function in SCALED:
        return known[0]
    return known[0] if np.abs(known[0]).max(initial=0) <= TOLERANCE else None


def _rational(values: FloatArray) -> sympy.Matrix:
    return sympy.Matrix([[_fraction(value) for value in row] for row in values])


def _fraction(value: float) -> sympy.Rational:
    return sympy.Rational(float(value)).limit_denominator(LARGEST_DENOMINATOR)


def _power(base: str, power: sympy.Rational) -> str:
    return base if power == 1 else f"{base}**{power}" if power.is_Integer else f"{base}**({power})"
