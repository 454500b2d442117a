"""How well the rows determine a law's constants, and how far new observations lie from it.

The constants keep their fitted values here. With the simple numbers that they were snapped to as the centre, intervals
would be too narrow where those are wrong by chance, and too wide where they are right: see docs/design/intervals.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from models.arrays import BoolArray, FloatArray
from models.law_spread import LawSpread, law_spread
from models.uncertainty import Quantiles, UncertainConstant, Uncertainty
from training.metrics import relative_rmse, root_mean_square
from training.symbolic.all_constants import all_constants, with_constants
from training.symbolic.candidate import ROUNDING_ERROR, Candidate, different_rows
from training.symbolic.formula import formula
from training.symbolic.noise_fit import NoiseFit, Rows, fit_noise

LEVELS = (0.5, 0.68, 0.8, 0.9, 0.95, 0.99)
"""Levels of intervals."""
MIN_ROWS_BEYOND = 5
"""Rows beyond an interval of a level, at least, for its width to be that of the residuals and not of normal noise."""
CLEAR_EVIDENCE = math.log(20)
"""Logarithm of the likelihood ratio from which on one kind of noise is told from the other."""
MIN_NOISE = 1e-15
"""Share of a law that is rounding: its noise, at least."""


@dataclass(frozen=True)
class LawUncertainty:
    """The uncertainty of a law: the network that computes it anywhere, and what a manifest states."""

    spread: LawSpread
    fields: Uncertainty


def law_uncertainty(
    candidate: Candidate,
    inputs: FloatArray,
    target: FloatArray,
    names: Sequence[str],
    weights: FloatArray | None = None,
) -> LawUncertainty | None:
    """The uncertainty of a law, from the rows that it was found in.

    Args:
        candidate: the law.
        inputs: ``(rows, columns)``. Rows that repeat others are no evidence.
        target: ``(rows,)``.
        names: of the columns.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1.

    Returns:
        None where the law or its derivatives overflow, or there are no more rows than constants.
    """
    used = _used(candidate)
    narrow, columns, once = candidate.of_columns(used), np.flatnonzero(used), different_rows(inputs, target)
    x, y, scale = inputs[np.ix_(once, columns)], target[once], root_mean_square(target) or 1.0
    with np.errstate(all="ignore"):
        rows = Rows(x, y / scale, np.ones(len(once)) if weights is None else weights[once], scale)
        fits = fit_noise(narrow, rows)
        if fits is None:
            return None
        noise = _Noise.of(*fits, exact=relative_rmse(narrow.predict(x), y) <= ROUNDING_ERROR)
        fields = noise.fields(narrow, [names[column] for column in columns.tolist()], scale)
        laws = [with_constants(narrow, constants).network() for constants in noise.constants(narrow)]
    sizes = (noise.constant * scale, noise.share, noise.fit.floor * scale)
    return LawUncertainty(law_spread(inputs.shape[1], columns.tolist(), laws, sizes), fields)


@dataclass(frozen=True)
class _Noise:
    """The noise around a law: the larger of ``constant`` and ``share`` times the law's size, over the scale."""

    kind: Literal["proportional", "constant", "either", "rounding"]
    fit: NoiseFit
    constant: float
    share: float

    @classmethod
    def of(cls, proportional: NoiseFit, same: NoiseFit, *, exact: bool) -> "_Noise":
        """That of the likelier fit, or that of both where neither is clearly so."""
        if exact:
            return cls("rounding", proportional, same.deviation, max(proportional.deviation, MIN_NOISE))
        evidence = proportional.likelihood - same.likelihood
        fit = proportional if evidence > 0 else same
        if abs(evidence) < CLEAR_EVIDENCE:
            return cls("either", fit, same.deviation, proportional.deviation)
        if fit is proportional:
            return cls("proportional", fit, 0.0, fit.deviation)
        return cls("constant", fit, fit.deviation, MIN_NOISE)

    def constants(self, candidate: Candidate) -> list[FloatArray]:
        """All constants as fitted, and one standard deviation up, then down, in each direction; if exact, as found."""
        if self.kind == "rounding":
            return [all_constants(candidate)]
        steps = self.fit.directions.T
        return [self.fit.constants, *(self.fit.constants + steps), *(self.fit.constants - steps)]

    def fields(self, candidate: Candidate, names: Sequence[str], scale: float) -> Uncertainty:
        """What a manifest states."""
        fit, values, terms = self.fit, all_constants(candidate), _terms(candidate, names)
        constants = [
            UncertainConstant(
                value=float(values[place]),
                estimate=float(fit.constants[place]),
                standard_error=float(fit.standard_errors[place]),
                term=terms[place][0],
                function=terms[place][1],
            )
            for place in fit.free.tolist()
        ]
        return Uncertainty(
            noise=self.kind,
            constant_noise=self.constant * scale,
            relative_noise=self.share,
            degrees_of_freedom=fit.degrees_of_freedom,
            constants=constants,
            levels={f"{level:g}": self._quantiles(level) for level in LEVELS},
        )

    def _quantiles(self, level: float) -> Quantiles:
        """Those of the residuals for the noise where rows are many enough, else Student's."""
        fit, rows = self.fit, len(self.fit.residuals)
        student = float(stdtrit(fit.degrees_of_freedom, (1 + level) / 2))
        if self.kind == "rounding" or rows * (1 - level) < MIN_ROWS_BEYOND:
            return Quantiles(noise=student, constants=student)
        deviation = np.maximum(self.constant, self.share * np.maximum(np.abs(fit.predicted), fit.floor))
        standardised = np.sort(np.abs(fit.residuals) / (deviation * np.sqrt(1 - fit.leverage)))
        return Quantiles(noise=float(standardised[math.ceil((rows + 1) * level) - 1]), constants=student)


def _used(candidate: Candidate) -> BoolArray:
    """The columns that a law is made of; one where it is a constant."""
    used = candidate.used
    used[: int(not used.any())] = True
    return used


def _terms(candidate: Candidate, names: Sequence[str], function: str | None = None) -> list[tuple[str, str | None]]:
    """What each of all constants multiplies, as text, and the function in whose argument it does, if in one's."""
    terms: list[tuple[str, str | None]] = []
    for place in range(len(candidate.constants)):
        alone = replace(
            candidate,
            exponents=candidate.exponents[[place]],
            signs=candidate.signs[[place]],
            constants=np.ones(1),
            sum_index=np.zeros(1, dtype=np.int64),
            sum_exponents=np.ones(1),
        )
        used = _used(alone)  # a name takes time for every column
        expression = formula(
            alone.of_columns(used).network(), [names[column] for column in np.flatnonzero(used).tolist()]
        )
        assert expression is not None  # a law always has one
        terms.append((expression.text, function))
    for feature in candidate.features:
        for law in feature.arguments:
            terms += _terms(law, names, feature.function)
    return terms
