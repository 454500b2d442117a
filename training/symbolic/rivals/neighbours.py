"""Neighbours of a candidate: its expansions, or the same but for one power of a column, or a function in its place."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, Feature, signs_of
from training.symbolic.rivals.expansions import expansions

STEPS = (-1.0, -0.5, 0.5, 1.0)
"""That a power of a column is changed by."""
MOST = 48
"""Neighbours, at most."""


def neighbours(candidate: Candidate, inputs: FloatArray) -> list[Candidate]:
    """Its expansions, and candidates of other powers, exponentials, logarithms and shifted columns, with start values.

    Args:
        candidate: with fitted constants.
        inputs: ``(rows, columns)``.
    """
    found = list(expansions(candidate, inputs))
    for term, column in zip(*np.nonzero(candidate.exponents[:, : candidate.width]), strict=True):
        found += _changed(candidate, int(term), int(column), inputs)
    return found[:MOST]


def _changed(candidate: Candidate, term: int, column: int, inputs: FloatArray) -> Iterator[Candidate]:
    """Neighbours by one power of one column in one term."""
    x, power = inputs[:, column], float(candidate.exponents[term, column])
    positive = bool((x > 0).all())
    middle = float(np.median(x))
    for step in STEPS:
        whole = power + step == round(power + step)
        if power + step and (whole or positive) and (power + step > 0 or x.all()):
            scale = middle**-step if positive else 1.0
            yield _with_power(candidate, term, column, power + step, scale, inputs)
    if not positive:
        return
    slope = power / middle
    yield _with_function(candidate, term, column, "exp", slope, 1.0, float(middle**power * np.exp(-power)))
    yield _with_function(
        candidate, term, column, "log", float(np.exp(1 / power) / middle), 1.0, power * float(middle**power)
    )
    yield _with_shift(candidate, term, column, power, 0.1 * middle)
    if len(candidate.sum_exponents) == 1:
        yield _with_two_powers(candidate, term, column, (power - 0.5, power + 0.5), middle, inputs)


def _with_power(
    candidate: Candidate, term: int, column: int, power: float, scale: float, inputs: FloatArray
) -> Candidate:
    """Another power of a column in a term."""
    exponents, signs, constants = (each.copy() for each in (candidate.exponents, candidate.signs, candidate.constants))
    exponents[term, column] = power
    signs[term, column] = signs_of(np.array([[power]]), inputs[:, [column]])[0, 0]
    constants[term] *= scale
    return replace(candidate, exponents=exponents, signs=signs, constants=constants)


def _with_two_powers(
    candidate: Candidate, term: int, column: int, powers: tuple[float, float], middle: float, inputs: FloatArray
) -> Candidate:
    """The sum of two powers of a column in the place of the one between them."""
    power, terms = float(candidate.exponents[term, column]), [*range(len(candidate.constants)), term]
    doubled = replace(
        candidate,
        exponents=candidate.exponents[terms],
        signs=candidate.signs[terms],
        constants=candidate.constants[terms],
        sum_index=candidate.sum_index[terms],
    )
    for place, other in zip((term, len(terms) - 1), powers, strict=True):
        doubled = _with_power(doubled, place, column, other, 0.5 * middle ** (power - other), inputs)
    return doubled


def _with_function(
    candidate: Candidate, term: int, column: int, function: str, slope: float, outer: float, scale: float
) -> Candidate:
    """A function of a multiple of a column in the place of its power in a term."""
    return _with_feature(candidate, term, column, Feature(function, (_line(candidate, column, slope),)), outer, scale)


def _with_shift(candidate: Candidate, term: int, column: int, power: float, shift: float) -> Candidate:
    """The power of a column and a constant in the place of the column's power in a term."""
    feature = Feature("identity", (_line(candidate, column, 1.0, shift),))
    return _with_feature(candidate, term, column, feature, power, 1.0)


def _line(candidate: Candidate, column: int, slope: float, shift: float | None = None) -> Candidate:
    """A multiple of a column, and perhaps a constant beside it."""
    constants = np.array([slope] if shift is None else [slope, shift])
    exponents = np.zeros((len(constants), candidate.width))
    exponents[0, column] = 1.0
    signs = np.where(exponents == 1.0, -1.0, 1.0)
    return Candidate(exponents, signs, constants, np.zeros(len(constants), dtype=np.int64), np.ones(1))


def _with_feature(
    candidate: Candidate, term: int, column: int, feature: Feature, power: float, scale: float
) -> Candidate:
    """A power of a new feature in the place of a column's power in a term."""
    terms = len(candidate.constants)
    exponents = np.column_stack([candidate.exponents, np.zeros(terms)])
    signs, constants = np.column_stack([candidate.signs, np.ones(terms)]), candidate.constants.copy()
    exponents[term, column], signs[term, column] = 0.0, 1.0
    exponents[term, -1] = power
    signs[term, -1] = 1.0 - 2 * (abs(power) % 2) if power == round(power) else np.nan
    constants[term] *= scale
    return replace(
        candidate, exponents=exponents, signs=signs, constants=constants, features=(*candidate.features, feature)
    )
