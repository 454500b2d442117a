"""All constants of a candidate as one vector, its own and then those of its features, and derivatives by them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.arrays import FloatArray
from training.symbolic.candidate import SCALED, Candidate, Feature
from training.symbolic.functions import FUNCTIONS

Value = TypeVar("Value", bound=np.generic)


def all_constants(candidate: Candidate) -> FloatArray:
    """The candidate's constants, then those of its features' arguments in order, ``(constants,)``."""
    return np.concatenate([candidate.constants, *(all_constants(law) for law in candidate.inner_laws())])


def with_constants(candidate: Candidate, constants: FloatArray) -> Candidate:
    """The candidate with other constants, in the order of ``all_constants``."""
    parts = iter(_parts(candidate, constants))
    own = next(parts)
    features = tuple(feature.mapped(lambda law: with_constants(law, next(parts))) for feature in candidate.features)
    return replace(candidate, constants=own, features=features)


def fitted_places(candidate: Candidate, *, scaled: bool = False) -> list[int]:
    """Places of the constants that are fitted.

    Sums have one scale in common, so the first constant of each but the first is fixed; so is the first of a feature
    whose scale the terms take up (``SCALED``).
    """
    index = candidate.sum_index
    first = {int(np.flatnonzero(index == k)[0]) for k in range(0 if scaled else 1, len(candidate.sum_exponents))}
    places = [place for place in range(len(index)) if place not in first]
    begin = len(index)
    for feature in candidate.features:
        for number, law in enumerate(feature.arguments):
            scale = feature.function in SCALED and number == 0
            places += [begin + place for place in fitted_places(law, scaled=scale)]
            begin += len(all_constants(law))
    return places


def without_terms(candidate: Candidate, places: Sequence[int]) -> Candidate | None:
    """The candidate without the terms of some constants, and without features in no term; None if a sum is empty."""
    parts = _parts(candidate, np.isin(np.arange(len(all_constants(candidate))), places))
    keep = np.flatnonzero(~parts[0])
    if set(candidate.sum_index[keep]) != set(candidate.sum_index):
        return None
    laws = zip(candidate.inner_laws(), parts[1:], strict=True)
    inner = [without_terms(law, np.flatnonzero(part).tolist()) for law, part in laws]
    used = (candidate.exponents[keep] != 0).any(0) | (candidate.signs[keep] != 1).any(0)
    used[: candidate.width] = True
    features: list[Feature] = []
    for feature, is_used in zip(candidate.features, used[candidate.width :].tolist(), strict=True):
        arguments = [law for law in (inner.pop(0) for _ in feature.arguments) if law is not None]
        if is_used and len(arguments) < len(feature.arguments):
            return None
        features += [replace(feature, arguments=tuple(arguments))] if is_used else []
    return replace(
        candidate,
        exponents=candidate.exponents[keep][:, used],
        signs=candidate.signs[keep][:, used],
        constants=candidate.constants[keep],
        sum_index=candidate.sum_index[keep],
        features=tuple(features),
    )


def linearised(candidate: Candidate, inputs: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Predictions ``(rows,)`` and their derivatives by all constants, ``(rows, constants)``."""
    with np.errstate(all="ignore"):
        terms, columns, powers = candidate.terms(inputs), candidate.columns(inputs), candidate.sum_exponents
        sums = candidate.summed(terms * candidate.constants)
        factors = sums**powers
        by_sum = np.stack(
            [powers[k] * sums[:, k] ** (powers[k] - 1) * np.delete(factors, k, 1).prod(1) for k in range(len(powers))],
            1,
        )
        by_term = by_sum[:, candidate.sum_index]
        slopes = [by_term * terms]
        for place, feature in enumerate(candidate.features, start=candidate.width):
            by_feature = (by_term * candidate.constants * _by_column(candidate, columns, place)).sum(1)
            inner = [linearised(law, inputs) for law in feature.arguments]
            by_argument = FUNCTIONS[feature.function].slopes(*(values for values, _ in inner))
            slopes += [(by_feature * by)[:, None] * own for by, (_, own) in zip(by_argument, inner, strict=True)]
    return factors.prod(1), np.concatenate(slopes, 1)


def _by_column(candidate: Candidate, columns: FloatArray, place: int) -> FloatArray:
    """Derivatives of the terms without their constants by one column, ``(rows, terms)``."""
    exponents, signs = candidate.exponents.copy(), candidate.signs.copy()
    power, sign = exponents[:, place].copy(), signs[:, place].copy()
    exponents[:, place], signs[:, place] = 0, 1
    z = columns[:, place, None]
    others = replace(candidate, exponents=exponents, signs=signs, features=()).terms(columns)
    slope = np.where(power == 0, 0.0, power * np.abs(z) ** (power - 1) * np.where(z < 0, -sign, 1.0))
    return np.where(power == 0, 0.0, others * slope)


def _parts(candidate: Candidate, values: NDArray[Value]) -> list[NDArray[Value]]:
    """Values of all constants by the candidate that they belong to: its own, then each argument's."""
    sizes = [len(candidate.constants), *(len(all_constants(law)) for law in candidate.inner_laws())]
    return np.split(values, np.cumsum(sizes)[:-1])
