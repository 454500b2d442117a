"""First-order expansions: a sum whose first term is far the largest is nearly a quotient, and the other way round.

``A + B`` and ``A / (1 - B / A)`` part by ``B**2 / A``, so that noise hides which of them holds where ``B`` is small.
"""

from collections.abc import Iterator

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate, signs_of

MAX_TERMS = 4
"""Of an expansion."""


def expansions(candidate: Candidate, inputs: FloatArray) -> Iterator[Candidate]:
    """The quotients that a sum is the expansion of, or the expansions of a quotient; none of other candidates.

    Args:
        candidate: with fitted constants, without features.
        inputs: ``(rows, columns)``.
    """
    powers, places = candidate.sum_exponents.tolist(), candidate.sum_index
    if candidate.features or len(candidate.constants) > MAX_TERMS:
        return
    if powers == [1.0] and len(candidate.constants) > 1:
        for first in range(len(candidate.constants)):
            yield _quotient(candidate, first, inputs)
    elif sorted(powers) == [-1.0, 1.0]:
        above, below = (np.flatnonzero(places == powers.index(power)) for power in (1.0, -1.0))
        if len(above) * len(below) <= MAX_TERMS:
            for first in below.tolist():
                yield _expanded(candidate, above.tolist(), first, below.tolist(), inputs)


def _quotient(candidate: Candidate, first: int, inputs: FloatArray) -> Candidate:
    """``A / (1 - B / A)`` for ``A + B``."""
    rest = np.delete(np.arange(len(candidate.constants)), first)
    exponents, constants = candidate.exponents, candidate.constants
    powers = np.vstack([exponents[first], np.zeros_like(exponents[first]), exponents[rest] - exponents[first]])
    factors = np.concatenate([[constants[first], 1.0], -constants[rest] / constants[first]])
    return _made(powers, factors, np.minimum(np.arange(len(factors)), 1), np.array([1.0, -1.0]), inputs)


def _expanded(candidate: Candidate, above: list[int], first: int, below: list[int], inputs: FloatArray) -> Candidate:
    """``N / A - N * B / A**2`` for ``N / (A + B)``."""
    exponents, constants = candidate.exponents, candidate.constants
    powers, factors = [], []
    for over in above:
        ratio = constants[over] / constants[first]
        powers.append(exponents[over] - exponents[first])
        factors.append(ratio)
        for other in below:
            if other != first:
                powers.append(exponents[over] + exponents[other] - 2 * exponents[first])
                factors.append(-ratio * constants[other] / constants[first])
    return _made(np.array(powers), np.array(factors), np.zeros(len(factors), dtype=np.int64), np.ones(1), inputs)


def _made(powers: FloatArray, factors: FloatArray, index: IntArray, outer: FloatArray, inputs: FloatArray) -> Candidate:
    return Candidate(powers, signs_of(powers, inputs), factors, index, outer)
