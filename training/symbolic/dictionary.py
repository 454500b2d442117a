"""The dictionary that sums and quotients are searched in: signed products of powers of the columns."""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from models.arrays import FloatArray
from training.symbolic.search_space import ANY_LAW, SearchSpace

WHOLE_EXPONENTS = (-2.0, -1.0, 1.0, 2.0)
HALF_EXPONENTS = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
MAX_TERMS = 8_000
"""Terms in a dictionary, at most: what keeps one sweep of the search within a second."""


@dataclass(frozen=True)
class Dictionary:
    """Products of powers of the columns, as many as are worth searching.

    Args:
        exponents: ``(terms, columns)``.
        values: the terms on every row, each scaled to a root mean square of 1, ``(rows, terms)``, float32.
    """

    exponents: FloatArray
    values: NDArray[np.float32]

    @classmethod
    def of(cls, inputs: FloatArray, largest: int = MAX_TERMS, space: SearchSpace = ANY_LAW) -> "Dictionary":
        """All terms of as many columns as the dictionary's size allows; half powers for positive columns only."""
        exponents = _exponents(inputs, largest, space)
        values = monomials(inputs, exponents)
        size = np.sqrt(np.mean(values**2, 0))
        sound = np.isfinite(size) & (size > 0)
        return cls(exponents[sound], (values[:, sound] / size[sound]).astype(np.float32))


def monomials(inputs: FloatArray, exponents: FloatArray) -> FloatArray:
    """Products of powers, ``(rows, terms)``; a negative input counts with its sign where the exponent is odd."""
    zero = inputs == 0
    with np.errstate(over="ignore", invalid="ignore"):
        magnitude = np.exp(np.log(np.where(zero, 1.0, np.abs(inputs))) @ exponents.T)
    magnitude[(zero.astype(np.float64) @ (exponents > 0).T) > 0] = 0.0
    magnitude[(zero.astype(np.float64) @ (exponents < 0).T) > 0] = np.inf
    odd = (np.abs(exponents) % 2 == 1).astype(np.float64)
    return np.asarray(magnitude * (1 - 2 * (((inputs < 0) @ odd.T) % 2)))


def _exponents(inputs: FloatArray, largest: int, space: SearchSpace) -> FloatArray:
    """Exponents of all terms of up to as many columns as ``largest`` terms allow, ``(terms, columns)``."""
    usual = (
        HALF_EXPONENTS if (x > 0).all() else WHOLE_EXPONENTS if x.all() else tuple(w for w in WHOLE_EXPONENTS if w > 0)
        for x in inputs.T
    )
    grids = [space.of_powers(powers) for powers in usual]
    columns = len(grids)
    terms = [np.zeros((1, columns))]
    for used in range(1, columns + 1):
        more = []
        for places in combinations(range(columns), used):
            block = np.array(list(product(*(grids[place] for place in places))))
            rows = np.zeros((len(block), columns))
            rows[:, places] = block
            more.append(rows)
            if sum(map(len, more)) + sum(map(len, terms)) > largest:
                return np.concatenate(terms)
        terms += more
    return np.concatenate(terms)
