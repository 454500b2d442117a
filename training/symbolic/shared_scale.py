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
    """Ways to share a common scale among two sums: each constant of the second, or of the first, as 1."""
    constants = all_constants(candidate)
    if len(candidate.sum_exponents) != 2:
        return [constants]
    ways = [rescaled(candidate, constants, 1, scale) for scale in candidate.constants[candidate.sum_index == 1][:4]]
    ratio = candidate.sum_exponents[1] / candidate.sum_exponents[0]
    if abs(ratio) == 1:
        first = candidate.constants[candidate.sum_index == 0]
        ways += [rescaled(candidate, constants, 1, abs(scale) ** -ratio) for scale in first[:4] if scale]
    return [way for way in ways if np.isfinite(way).all()] or [constants]
