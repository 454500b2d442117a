"""A weighted sum of columns and perhaps a constant: linear least squares with backward elimination."""

from collections.abc import Iterator

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.subset_least_squares import SubsetLeastSquares

MANY = 17
"""Columns of which several are removed at a time."""


def linear_candidates(
    inputs: FloatArray,
    target: FloatArray,
    deadline: Deadline = NO_DEADLINE,
    row_weights: FloatArray | None = None,
) -> list[Candidate]:
    """Candidates of one sum of columns, with constants still to be snapped.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        deadline: checked before every step.
        row_weights: of the rows, their mean 1, ``(rows,)``; None: 1.
    """
    found = []
    root = np.ones(len(target)) if row_weights is None else np.sqrt(row_weights)
    for weights in (root, root / (np.abs(target) + 1e-3 * np.abs(target).max())):
        kept, constants = _relevant(inputs, target, weights, deadline)
        exponents = np.concatenate([np.eye(inputs.shape[1]), np.zeros((1, inputs.shape[1]))])[kept]
        sum_index = np.zeros(len(kept), dtype=np.int64)
        if len(kept):
            found.append(Candidate(exponents, signs_of(exponents, inputs), constants, sum_index, np.ones(1)))
    return found


def _design(inputs: FloatArray) -> FloatArray:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], 1)


def _relevant(
    inputs: FloatArray, target: FloatArray, weights: FloatArray, deadline: Deadline
) -> tuple[list[int], FloatArray]:
    """Relevant columns, the constant last, and their coefficients.

    Backward elimination: the columns whose removal costs least go first, as long as the mean squared error grows by no
    more than ``exp(ln N / N)`` a column, the Bayesian information criterion. Of many columns, many go at a time.
    """
    problem = SubsetLeastSquares.of(_design(inputs) * weights[:, None], target * weights)
    kept = list(range(problem.columns))
    while kept:
        deadline.check()
        values, spread = problem.solve(kept)
        strength = np.abs(values) / np.maximum(spread, 1e-300)
        weak = [place for place, value in zip(kept, strength, strict=True) if value < 1]
        for removed in (weak, *_weakest(kept, strength, len(target))):
            rest = [place for place in kept if place not in removed]
            if removed and problem.error(rest) <= problem.allowed(kept, len(removed)):
                kept = rest
                break
        else:
            break
    return kept, problem.solve(kept)[0]


def _weakest(kept: list[int], strength: FloatArray, rows: int) -> Iterator[list[int]]:
    """Of many columns half of those that the criterion lets go one by one, a quarter and so on; at last the weakest."""
    order = [kept[place] for place in np.argsort(strength)]
    size = int((strength**2 < np.log(rows)).sum()) // 2 if len(kept) > MANY else 1
    while size > 1:
        yield order[:size]
        size //= 2
    yield order[:1]
