"""A variable of a law, and a formula in it: how much the rows tell of it, and what the formula takes to write."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.symbolic.evidence.bits import number_bits, one_digit_bits
from training.symbolic.evidence.information import information

MIN_BITS, MIN_SHARE, MIN_NOISY_SHARE, NOISY = 7.0, 0.25, 0.54, 1e-6
"""Bits that must be left in each variable, and the least share of all bits there, without and with noise: errors above
the last."""
SAME = 1e-9
"""Relative difference, at most, of what a formula gives where it counts as constant."""
FEW_LEVELS, REPEATED = 20, 3
"""Values of a column that a table of constants could stand for, at most, and rows for each of them, at least."""
SWITCHES: tuple[frozenset[float], ...] = tuple(map(frozenset, ((0.0, 1.0), (-1.0, 1.0), (-1.0, 0.0, 1.0))))


class TableReason(str):
    """Why a formula is rejected: a table of constants, one for each value of a column, could stand in its place."""


@dataclass(frozen=True)
class Variable:
    """A formula in one variable, which free functions of it could stand in place of.

    Args:
        values: of the variable, ``(rows,)``.
        columns: places of the table's columns that it is made of.
        numbers: constants that the formula takes.
        structure: bits of all else that it takes: exponents and functions.
        parts: what each free function gives, ``(rows, parts)``; the variable alone decides it.
        functions: how many of the parts are free; the others follow.
        share: of the law that the formula is, above 0.
        is_factor: the formula is a factor of the whole law.
    """

    values: FloatArray
    columns: Sequence[int]
    numbers: Sequence[float]
    structure: float
    parts: FloatArray
    functions: int = 1
    share: float = 1.0
    is_factor: bool = False

    @property
    def levels(self) -> int:
        return len(np.unique(self.values))

    @property
    def has_few_levels(self) -> bool:
        return self.levels <= min(FEW_LEVELS, len(self.values) // REPEATED)

    def reason(self, error: float, names: Sequence[str]) -> str | None:
        """Why the rows are too little evidence for the formula; None where there is enough.

        Args:
            error: relative, of the whole law.
            names: of the table's columns.
        """
        if self.is_factor and set(self.values.tolist()) in SWITCHES:
            return None  # it turns the whole on and off, or its sign: there is nothing between
        name = " and ".join(f"'{names[place]}'" for place in self.columns)
        if (rows := self._varied_rows(error)) < 2 * len(self.numbers) + 2:
            return f"in all rows but {rows} the formula in {name} is a constant"
        known, taken = self.bits(error)
        share = MIN_NOISY_SHARE if error > NOISY else MIN_SHARE
        if self.levels > 2 and known - taken >= max(MIN_BITS, share * known):
            return None
        if len(self.columns) == 1 and self.has_few_levels:
            return TableReason(
                f"column {name} has {self.levels} values; a formula in it cannot be told from a table of "
                f"{self.levels} constants"
            )
        return f"the rows are too few, too noisy or too close to tell a formula in {name} from other functions of it"

    def bits(self, error: float) -> tuple[float, float]:
        """What the rows tell of the free functions, and what the formula takes."""
        precision = error / self.share / np.sqrt(len(self.values))
        known = self.functions * information(self.values, precision)
        if self.has_few_levels:
            known = min(known, self._table_bits(precision, max(2, min(12, int(-np.log10(error)) - 1))))
        return known, self.structure + sum(number_bits(number, precision) for number in self.numbers)

    def _varied_rows(self, error: float) -> int:
        """Rows in which the formula is not what it is in the median row: the only ones that tell of it."""
        usual = np.nanmedian(self.parts, axis=0)
        same = np.abs(self.parts - usual) <= min(SAME, 10 * error) * np.abs(usual)
        return int((~same).any(1).sum())

    def _table_bits(self, precision: float, digits: int) -> float:
        """Bits of a table of what the free functions give, to some digits; none of its numbers is free."""
        levels, first = np.unique(self.values, return_index=True)
        entries = self.parts[first]
        cost, least = precision * np.sqrt(len(levels)), one_digit_bits()
        known = entries[np.isfinite(entries)].tolist()
        return sum(max(least, number_bits(float(f"{value:.{digits}g}"), cost)) for value in known)
