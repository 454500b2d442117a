"""Quotients of one or two products of whole powers over two, in noise: all of them are tried, and the best are kept.

``y = (a_1 t_1 + a_2 t_2) / (b_1 s_1 + b_2 s_2)`` is linear in its constants as ``a_1 t_1 + a_2 t_2 = y (b_1 s_1 + b_2
s_2)``. With rows weighted by ``1 / (|y| (|s_1| + |s_2|))``, what this equation leaves is about the relative error of y.
For every pair of terms above and below it is the least eigenvalue of a 2 x 2 matrix, the Schur complement of the terms
above (Golub and Van Loan 2013, section 3.4.2).
"""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate, different_rows, signs_of
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.quotients.whole_powers import Limits, count_whole_powers, products, whole_powers
from training.symbolic.search_space import ANY_LAW, SearchSpace

LIMITS = (Limits(6, 3, 3), Limits(6, 3, 2), Limits(4, 2, 2), Limits(3, 2, 2), Limits(2, 2, 1))
"""Of the terms, the richest first."""
MAX_TERMS = 60
"""Of the first of those with no more terms, all are tried: three million quotients, in two seconds."""
MIN_ROWS, MAX_ROWS = 48, 300
KEPT, SCREENED = 6, 400
"""Quotients that are returned, of those of least error, many of which are the same."""
COLLINEAR = 1e-9
"""Share of a pair's area that two terms above span, at least."""


def short_quotients(
    inputs: FloatArray,
    target: FloatArray,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
) -> Iterator[Candidate]:
    """The best quotients of one or two terms over two, with start values.

    Args:
        inputs: ``(rows, columns)``; of more than ``MAX_ROWS``, so many at random.
        target: ``(rows,)``.
        deadline: checked before every pair of terms below.
        space: limits the powers and the number of terms.
    """
    rows = np.random.default_rng(0).permutation(different_rows(inputs, target))
    rows = rows[target[rows] != 0][:MAX_ROWS]
    limits = next((each for each in LIMITS if count_whole_powers(inputs.shape[1], each) <= MAX_TERMS), None)
    if len(rows) < MIN_ROWS or limits is None or not space.has_terms(2):
        return
    exponents = whole_powers(inputs.shape[1], limits)
    exponents = exponents[np.isin(exponents, [0, *space.of_powers((1.0, 2.0, 3.0))]).all(1)]
    x, y = inputs[rows], target[rows]
    for powers in _distinct(exponents, _of_least_error(products(x, exponents), y, deadline)):
        yield _candidate(powers, x, y)


def _of_least_error(values: FloatArray, target: FloatArray, deadline: Deadline) -> Iterator[tuple[int, ...]]:
    """Places of the terms of quotients, the two below last, in the order of their errors."""
    size = np.median(np.abs(values), axis=0)
    usable = np.flatnonzero((size > 0) & np.isfinite(values).all(0))
    scaled = values[:, usable] / size[usable]
    found = []
    for first, second in combinations(range(len(usable)), 2):
        deadline.check()
        errors = _errors(scaled, target, first, second)
        least = np.argpartition(errors, min(KEPT, errors.size - 1), axis=None)[:KEPT]
        for one, other in zip(*np.unravel_index(least, errors.shape), strict=True):
            found.append((float(errors[one, other]), (int(one), int(other)), (first, second)))
    for _, above, below in sorted(found)[:SCREENED]:
        yield *usable[sorted(set(above))].tolist(), *usable[list(below)].tolist()


def _errors(values: FloatArray, target: FloatArray, first: int, second: int) -> FloatArray:
    """Mean squared relative errors of the best quotients with two terms below, ``(terms, terms)`` above.

    On the diagonal are quotients of one term above; pairs in the lower triangle are those of the upper.
    """
    weights = 1 / (np.abs(target) * np.maximum(np.abs(values[:, first]) + np.abs(values[:, second]), 1e-300))
    V, U = values * weights[:, None], values[:, [first, second]] * (weights * target)[:, None]
    G, H, B = V.T @ V, V.T @ U, U.T @ U
    squares = np.diag(G)
    area = squares[:, None] * squares
    determinant = area - G**2

    def left(i: int, j: int) -> FloatArray:
        """An element of the Schur complement."""
        p, q = H[:, i], H[:, j]
        cross = np.outer(p, q)
        explained = (squares * (p * q)[:, None] - G * (cross + cross.T) + squares[:, None] * (p * q)) / determinant
        np.fill_diagonal(explained, p * q / squares)
        return np.asarray(B[i, j] - explained)

    with np.errstate(all="ignore"):
        one, other, both = left(0, 0), left(1, 1), left(0, 1)
        errors = (one + other - np.hypot(one - other, 2 * both)) / 2
    alone = np.diag(errors).copy()
    errors[~(determinant > COLLINEAR * area)] = np.inf
    np.fill_diagonal(errors, alone)
    errors[np.tril_indices(len(errors), -1)] = np.inf
    return np.nan_to_num(np.maximum(errors, 0.0), nan=np.inf)


def _distinct(exponents: IntArray, found: Iterator[tuple[int, ...]]) -> Iterator[IntArray]:
    """Powers of the first few that differ by more than a common factor, without that, ``(terms, columns)``."""
    seen = set()
    for places in found:
        powers = exponents[list(places)] - exponents[list(places)].min(0)
        key = frozenset(map(tuple, powers[:-2].tolist())), frozenset(map(tuple, powers[-2:].tolist()))
        if key not in seen:
            seen.add(key)
            yield powers
        if len(seen) == KEPT:
            return


def _candidate(powers: IntArray, inputs: FloatArray, target: FloatArray) -> Candidate:
    """The quotient of some terms, the two below last."""
    terms, exponents = products(inputs, powers), powers.astype(np.float64)
    size = np.abs(terms[:, -2:]).sum(1)
    rows = np.flatnonzero(size > 0)
    A = terms[rows] / (np.abs(target[rows]) * size[rows])[:, None]
    A[:, -2:] *= -target[rows, None]
    scale = np.linalg.norm(A, axis=0)
    constants = np.linalg.svd(A / scale, full_matrices=False)[2][-1] / scale
    if np.median(terms[:, -2:] @ constants[-2:]) < 0:
        constants = -constants
    index = np.append(np.zeros(len(powers) - 2, dtype=np.int64), [1, 1])
    return Candidate(exponents, signs_of(exponents, inputs), constants, index, np.array([1.0, -1.0]))
