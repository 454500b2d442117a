"""The search space: which laws a search may try, and with it what every stage is asked to respect."""

from dataclasses import dataclass, replace

import numpy as np

from models import functions
from models.arrays import BoolArray
from training.symbolic.candidate import Candidate
from training.symbolic.dimensions.dimensions import Dimensions
from training.symbolic.forms.parse import Form

FUNCTIONS = tuple(name for name in functions.FUNCTIONS if name != "identity")
"""Functions that a law may hold."""


@dataclass(frozen=True)
class SearchSpace:
    """Which laws may be tried; without arguments, all that the stages know.

    Args:
        functions: names of functions that a law may hold, of ``FUNCTIONS``.
        max_terms: terms of every sum, above and below the bar of a fraction, at most; None: as many as a stage tries.
        exponents: powers of columns that are tried in sums, beside 1; None: those of ``dictionary``.
        dimensions: of columns and target; laws in which they agree are tried first. None: units are not known.
        form: a formula whose constants are fitted instead of a search; None: search.
    """

    functions: tuple[str, ...] = FUNCTIONS
    max_terms: int | None = None
    exponents: tuple[float, ...] | None = None
    dimensions: Dimensions | None = None
    form: Form | None = None

    def of_columns(self, places: BoolArray) -> "SearchSpace":
        """The search space of a table that has only these columns."""
        return self if self.dimensions is None else replace(self, dimensions=self.dimensions.of_columns(places))

    def remark_on(self, candidate: Candidate) -> str | None:
        """One sentence on the units of a law's numbers, where units are known."""
        return None if self.dimensions is None else self.dimensions.remark_on(candidate)

    def has_terms(self, *counts: int) -> bool:
        """Whether sums may have so many terms."""
        return self.max_terms is None or max(counts) <= self.max_terms

    def of_powers(self, usual: tuple[float, ...]) -> tuple[float, ...]:
        """The powers that are tried of a column, in ascending order, for those that are tried usually.

        Args:
            usual: without a choice; they tell whether the column has zeros (no negative power) and negative values (no
                half power).
        """
        if self.exponents is None:
            return usual
        negative, halves = min(usual) < 0, any(power != round(power) for power in usual)
        allowed = {power for power in (*self.exponents, 1.0) if power and (negative or power > 0)}
        return tuple(sorted(power for power in allowed if halves or power == round(power)))

    def allows(self, candidate: Candidate) -> bool:
        """Whether a candidate's sums are short enough, and its functions are chosen ones; its features' too."""
        known = all(feature.function in (*self.functions, "identity") for feature in candidate.features)
        return (
            known
            and self.has_terms(int(np.bincount(candidate.sum_index).max()))
            and all(map(self.allows, candidate.inner_laws()))
        )


ANY_LAW = SearchSpace()
"""All laws that the stages know."""
