"""A weighted sum of columns and perhaps a constant: linear least squares with backward elimination."""

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.subset_least_squares import SubsetLeastSquares


def linear_candidates(inputs: FloatArray, target: FloatArray) -> list[Candidate]:
    """Candidates of one sum of columns, with constants still to be snapped.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
    """
    found = []
    for weights in (np.ones(len(target)), 1 / (np.abs(target) + 1e-3 * np.abs(target).max())):
        kept, constants = _relevant(inputs, target, weights)
        exponents = np.concatenate([np.eye(inputs.shape[1]), np.zeros((1, inputs.shape[1]))])[kept]
        sum_index = np.zeros(len(kept), dtype=np.int64)
        if len(kept):
            found.append(Candidate(exponents, signs_of(exponents, inputs), constants, sum_index, np.ones(1)))
    return found


def _design(inputs: FloatArray) -> FloatArray:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], 1)


def _relevant(inputs: FloatArray, target: FloatArray, weights: FloatArray) -> tuple[list[int], FloatArray]:
    """Relevant columns, the constant last, and their coefficients.

    Backward elimination: the columns whose removal costs least go first, as long as the mean squared error grows by no
    more than ``exp(ln N / N)`` a column, the Bayesian information criterion.
    """
    problem = SubsetLeastSquares.of(_design(inputs) * weights[:, None], target * weights)
    kept = list(range(problem.columns))
    while kept:
        values, spread = problem.solve(kept)
        strength = np.abs(values) / np.maximum(spread, 1e-300)
        weak = [place for place, value in zip(kept, strength, strict=True) if value < 1]
        for removed in (weak, [kept[int(strength.argmin())]]):
            rest = [place for place in kept if place not in removed]
            if removed and problem.error(rest) <= problem.allowed(kept, len(removed)):
                kept = rest
                break
        else:
            break
    return kept, problem.solve(kept)[0]
