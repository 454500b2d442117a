"""The scale that the sums of a quotient or product have in common: constants that differ by it predict the same."""

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


def scalings(candidate: Candidate) -> list[FloatArray]:
    """Ways to share common scales: each constant of a second sum, or of the first, as 1, or those before roots as 1."""
    constants = all_constants(candidate)
    if len(candidate.sum_exponents) != 2:
        inside = with_scale_inside(candidate, constants)
        return [way for way in (constants, inside) if np.isfinite(way).all()]
    ways = [rescaled(candidate, constants, 1, scale) for scale in candidate.constants[candidate.sum_index == 1][:4]]
    ratio = candidate.sum_exponents[1] / candidate.sum_exponents[0]
    if abs(ratio) == 1:
        first = candidate.constants[candidate.sum_index == 0]
        ways += [rescaled(candidate, constants, 1, abs(scale) ** -ratio) for scale in first[:4] if scale]
    return [way for way in ways if np.isfinite(way).all()] or [constants]


def with_scale_inside(candidate: Candidate, constants: FloatArray) -> FloatArray:
    """The same predictions with 1 or -1 outside each sum, to a power, that stands in one term: ``sqrt(4*a + 8)``."""
    changed, begin = constants.copy(), len(candidate.constants)
    for place, feature in enumerate(candidate.features, start=candidate.width):
        law, terms = feature.arguments[0], np.flatnonzero(candidate.exponents[:, place])
        if feature.function == "identity" and len(law.sum_exponents) == len(terms) == 1:
            power = law.sum_exponents[0] * candidate.exponents[terms[0], place]
            with np.errstate(all="ignore"):
                changed[begin : begin + len(law.constants)] *= np.abs(changed[terms[0]]) ** (1 / power)
            changed[terms[0]] = np.sign(changed[terms[0]])
        begin += sum(len(all_constants(argument)) for argument in feature.arguments)
    return changed
