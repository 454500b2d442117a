"""Products of whole powers, 0 or more, of some columns: what numerator and denominator of a quotient are made of."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from models.arrays import FloatArray, IntArray


@dataclass(frozen=True)
class Limits:
    """Products of so many columns, at most, with powers that add up to ``degree`` and none above ``power``."""

    degree: int
    columns: int
    power: int


@lru_cache(maxsize=256)
def whole_powers(columns: int, limits: Limits) -> IntArray:
    """Exponents of all products of so many columns within limits, by their degree, ``(terms, columns)``."""
    found = [(0,) * columns]
    for used in range(1, _most_columns(columns, limits) + 1):
        for places in combinations(range(columns), used):
            for powers in _powers(used, limits.degree, limits.power):
                row = [0] * columns
                for place, power in zip(places, powers, strict=True):
                    row[place] = power
                found.append(tuple(row))
    exponents = np.array(sorted(found, key=lambda row: (sum(row), row)), dtype=np.int64)
    exponents.setflags(write=False)
    return exponents


def count_whole_powers(columns: int, limits: Limits) -> int:
    """How many terms ``whole_powers`` gives."""
    used = range(_most_columns(columns, limits) + 1)
    return sum(math.comb(columns, count) * len(_powers(count, limits.degree, limits.power)) for count in used)


def _most_columns(columns: int, limits: Limits) -> int:
    return min(columns, limits.columns, limits.degree)


@lru_cache(maxsize=256)
def _powers(count: int, degree: int, power: int) -> list[tuple[int, ...]]:
    """So many powers of 1 or more, no higher than one number, that add up to no more than another."""
    if count == 0:
        return [()]
    return [
        (first, *others)
        for first in range(1, min(power, degree - count + 1) + 1)
        for others in _powers(count - 1, degree - first, power)
    ]


def products(inputs: FloatArray, exponents: IntArray) -> FloatArray:
    """The products' values, ``(rows, terms)``."""
    values = np.ones((len(inputs), len(exponents)))
    for place, column in enumerate(inputs.T):
        powers = [np.ones(len(inputs))]
        for _ in range(int(exponents[:, place].max(initial=0))):
            powers.append(powers[-1] * column)
        values *= np.stack(powers, 1)[:, exponents[:, place]]
    return values
