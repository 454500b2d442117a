"""The scale that the sums of a quotient or product have in common: constants that differ by it predict the same."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.symbolic.all_constants import all_constants
from training.symbolic.candidate import Candidate


def normalised(candidate: Candidate) -> FloatArray:
    """The same constants, rescaled so that those are 1 that must be."""
    constants = all_constants(candidate)
    for k in range(1, len(candidate.sum_exponents)):
        scale = constants[np.flatnonzero(candidate.sum_index == k)[0]]
        constants = rescaled(candidate, constants, k, scale)
    return constants


def rescaled(candidate: Candidate, constants: FloatArray, k: int, scale: float) -> FloatArray:
    """Divide one sum by a scale, and multiply the first so that predictions stay the same."""
    changed = constants.copy()
    own = changed[: len(candidate.constants)]
    own[candidate.sum_index == k] /= scale
    with np.errstate(all="ignore"):
        ratio = candidate.sum_exponents[k] / candidate.sum_exponents[0]
        own[candidate.sum_index == 0] *= np.sign(scale) ** ratio * np.abs(scale) ** ratio
    return changed


@dataclass(frozen=True)
class Scaling:
    """Constants that predict the same as others, with their scales shared in another way.

    Args:
        constants: in the order of ``all_constants``.
        powers: ``(constants, constants)``; the logarithms of the constants are those of the others times these, so
            relative deviations are, too.
    """

    constants: FloatArray
    powers: FloatArray


def scalings(candidate: Candidate) -> list[Scaling]:
    """Ways to share common scales: each constant of a second sum, or of the first, as 1, or those before roots as 1."""
    constants = all_constants(candidate)
    same = Scaling(constants, np.eye(len(constants)))
    if len(candidate.sum_exponents) != 2:
        ways = [same, _with_scale_inside(candidate, constants)]
    else:
        own, index = candidate.constants, candidate.sum_index
        places = np.flatnonzero(index == 1)[:4].tolist()
        if abs(candidate.sum_exponents[1]) == abs(candidate.sum_exponents[0]):
            places += [place for place in np.flatnonzero(index == 0)[:4].tolist() if own[place]]
        ways = [_with_one(candidate, constants, place) for place in places]
    return [way for way in ways if np.isfinite(way.constants).all()] or [same]


def _with_one(candidate: Candidate, constants: FloatArray, place: int) -> Scaling:
    """A constant of a quotient or product as 1, or as -1 in the first sum."""
    powers, index = np.eye(len(constants)), candidate.sum_index
    own, ratio = powers[: len(index)], candidate.sum_exponents[1] / candidate.sum_exponents[0]
    if index[place] == 1:
        own[index == 1, place] -= 1
        own[index == 0, place] += ratio
        return Scaling(rescaled(candidate, constants, 1, constants[place]), powers)
    own[index == 1, place] += ratio
    own[index == 0, place] -= 1
    return Scaling(rescaled(candidate, constants, 1, abs(constants[place]) ** -ratio), powers)


def _with_scale_inside(candidate: Candidate, constants: FloatArray) -> Scaling:
    """1 or -1 outside each sum, to a power, that stands in one term: ``sqrt(4*a + 8)``."""
    changed, powers, begin = constants.copy(), np.eye(len(constants)), len(candidate.constants)
    for place, feature in enumerate(candidate.features, start=candidate.width):
        law, terms = feature.arguments[0], np.flatnonzero(candidate.exponents[:, place])
        if feature.function == "identity" and len(law.sum_exponents) == len(terms) == 1:
            term, power = terms[0], law.sum_exponents[0] * candidate.exponents[terms[0], place]
            inside = slice(begin, begin + len(law.constants))
            with np.errstate(all="ignore"):
                changed[inside] *= np.abs(changed[term]) ** (1 / power)
            changed[term] = np.sign(changed[term])
            powers[inside, term] += 1 / power
            powers[term, term] = 0
        begin += sum(len(all_constants(argument)) for argument in feature.arguments)
    return Scaling(changed, powers)
