"""Finds which terms a sum, or a quotient of sums, is made of: exchanges one term at a time for the best there is.

``y = sum_i a_i t_i / sum_j b_j s_j`` with terms t, s out of a dictionary of signed products of powers is linear in its
constants once it is written as ``sum_i a_i t_i = y sum_j b_j s_j``. From many random choices of terms at once, each
term in turn is given up and replaced by the one of the whole dictionary that leaves the least error with the others.
Rows are weighted by the size of target and denominator, so that the error is that of y and not that of the equation
(Sanathanan and Koerner 1963).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from models.arrays import FloatArray, IntArray

WHOLE = (-2.0, -1.0, 1.0, 2.0)
HALVES = (-2.0, -1.5, -1.0, -0.5, 0.5, 1.0, 1.5, 2.0)
LARGEST = 8_000
"""Terms in a dictionary, at most: what keeps one sweep within a second."""
SEARCH_ROWS = 400
COLLINEAR = 1e-4
"""Share of a term's square that the other terms must leave, or it is no candidate beside them."""


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
    def of(cls, inputs: FloatArray, largest: int = LARGEST) -> "Dictionary":
        """All terms of as many columns as the dictionary's size allows; half powers for positive columns only."""
        exponents = _exponents(inputs, largest)
        values = powers(inputs, exponents)
        size = np.sqrt(np.mean(values**2, 0))
        sound = np.isfinite(size) & (size > 0)
        return cls(exponents[sound], (values[:, sound] / size[sound]).astype(np.float32))


def powers(inputs: FloatArray, exponents: FloatArray) -> FloatArray:
    """Products of powers, ``(rows, terms)``; a negative input counts with its sign where the exponent is odd."""
    zero = inputs == 0
    with np.errstate(over="ignore", invalid="ignore"):
        magnitude = np.exp(np.log(np.where(zero, 1.0, np.abs(inputs))) @ exponents.T)
    magnitude[(zero.astype(np.float64) @ (exponents > 0).T) > 0] = 0.0
    magnitude[(zero.astype(np.float64) @ (exponents < 0).T) > 0] = np.inf
    odd = (np.abs(exponents) % 2 == 1).astype(np.float64)
    return np.asarray(magnitude * (1 - 2 * (((inputs < 0) @ odd.T) % 2)))


def _exponents(inputs: FloatArray, largest: int) -> FloatArray:
    grids = [HALVES if (x > 0).all() else WHOLE if x.all() else tuple(w for w in WHOLE if w > 0) for x in inputs.T]
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


def exchange_terms(
    dictionary: Dictionary,
    target: FloatArray,
    numerator: int,
    denominator: int,
    random: np.random.Generator,
    *,
    starts: int = 48,
    sweeps: int = 10,
    weight: float = 1.0,
) -> Iterator[tuple[float, IntArray]]:
    """Exchange terms until nothing improves, and yield the best choice after every sweep.

    Args:
        dictionary: the terms.
        target: ``(rows,)``, finite, not all zero.
        numerator: terms of the numerator, at least 1.
        denominator: terms of the denominator, 0 (then it is 1) or at least 2.
        random: for start values.
        starts: choices that are improved side by side.
        sweeps: most rounds over all terms.
        weight: rows count with ``|y| ** -weight``.

    Yields:
        The relative error, and the chosen terms: the numerator's first, then the denominator's.
    """
    y = target / np.sqrt(np.mean(target**2))
    by_size = (np.abs(y) + 1e-2 * np.median(np.abs(y))) ** -weight
    terms = numerator + denominator
    pool = _promising(dictionary, y * by_size, by_size)

    def drawn(count: int) -> IntArray:
        anywhere = random.integers(0, dictionary.values.shape[1], (count, terms))
        return np.where(random.random((count, terms)) < 0.5, random.choice(pool, (count, terms)), anywhere)

    choices = drawn(starts)
    scale = np.ones((starts, len(y)))
    for _ in range(sweeps):
        for place in random.permutation(terms):
            others = [other for other in range(terms) if other != place]
            anchor = random.choice([other for other in others if other >= numerator]) if denominator else None
            weights = by_size / scale
            choices[:, place] = _best_for(dictionary, y, choices, place, others, anchor, numerator, weights)
            scale = _denominators(dictionary, y, choices, numerator, weights)[1] if denominator else scale
        errors = _denominators(dictionary, y, choices, numerator, by_size / scale)[0]
        best = int(errors.argmin())
        yield float(errors[best]), choices[best].copy()
        _, kept = np.unique(np.sort(choices, 1), axis=0, return_index=True)
        again = np.setdiff1d(np.arange(starts), kept)
        choices[again], scale[again] = drawn(len(again)), 1.0


def _promising(dictionary: Dictionary, target: FloatArray, by_size: FloatArray) -> IntArray:
    weighted = dictionary.values * by_size.astype(np.float32)[:, None]
    match = np.abs(target.astype(np.float32) @ weighted) / np.linalg.norm(weighted, axis=0)
    return np.argsort(-match)[:2000]


def _columns(
    dictionary: Dictionary, y: FloatArray, choices: IntArray, numerator: int, weights: FloatArray
) -> FloatArray:
    """The chosen terms, the denominator's times -y, weighted: ``(starts, rows, terms)``."""
    chosen = dictionary.values.T[choices].astype(np.float64).transpose(0, 2, 1)
    chosen[:, :, numerator:] *= -y[None, :, None]
    return np.asarray(chosen * weights[:, :, None])


def _best_for(
    dictionary: Dictionary,
    y: FloatArray,
    choices: IntArray,
    place: int,
    others: list[int],
    anchor: int | None,
    numerator: int,
    weights: FloatArray,
) -> IntArray:
    """For every start, the term that leaves the least error at a place; the anchor's constant is held at 1."""
    columns = _columns(dictionary, y, choices, numerator, weights)
    kept = [other for other in others if other != anchor]
    goal = weights * y if anchor is None else -columns[:, :, anchor]
    basis, rest = _projected(columns[:, :, kept], goal)
    factor = weights * y if place >= numerator else weights
    scans = np.concatenate([rest[:, :, None], basis], 2) * factor[:, :, None]
    starts, rows, vectors = scans.shape
    flat = scans.transpose(0, 2, 1).reshape(starts * vectors, rows).astype(np.float32)
    found = (flat @ dictionary.values).reshape(starts, vectors, -1)
    square = (factor**2).astype(np.float32) @ dictionary.values**2
    left = square - (found[:, 1:] ** 2).sum(1)
    gain = np.where(left > COLLINEAR * square, found[:, 0] ** 2 / np.maximum(left, 1e-30), -1.0)
    return np.asarray(gain.argmax(1))


def _projected(columns: FloatArray, goal: FloatArray) -> tuple[FloatArray, FloatArray]:
    """An orthonormal basis of columns ``(starts, rows, columns)``, and what it leaves of a goal ``(starts, rows)``."""
    basis = np.linalg.qr(columns)[0]
    return basis, goal - np.einsum("srk,sk->sr", basis, np.einsum("srk,sr->sk", basis, goal))


def _denominators(
    dictionary: Dictionary, y: FloatArray, choices: IntArray, numerator: int, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Relative errors of all starts, and their denominators on every row, scaled to a median of 1."""
    weights = np.broadcast_to(weights, (len(choices), len(y)))
    columns = _columns(dictionary, y, choices, numerator, weights)
    if columns.shape[2] == numerator:
        goal = weights * y
        _, rest = _projected(columns, goal)
        return np.linalg.norm(rest, axis=1) / np.linalg.norm(goal, axis=1), np.ones_like(weights)
    size = np.linalg.norm(columns, axis=1)
    _, _, right = np.linalg.svd(columns / size[:, None, :], full_matrices=False)
    constants = right[:, -1] / size
    parts = columns * constants[:, None, :]
    above = parts[:, :, :numerator].sum(2)
    below = -parts[:, :, numerator:].sum(2)  # y times the denominator, weighted
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.sqrt(np.mean(np.minimum(((above - below) / below) ** 2, 1.0), 1))
        denominators = np.abs(below / (weights * y))
        denominators = denominators / np.median(denominators, axis=1, keepdims=True)
    return np.nan_to_num(errors, nan=1.0), np.clip(np.nan_to_num(denominators, nan=1.0), 1e-2, 1e2)
