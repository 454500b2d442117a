"""Weights of rows: a row of weight 2 counts as two equal rows, one of weight 0 as none, and only ratios matter.

That is scikit-learn's meaning. Statistics that count rows would break it, such as the Bayesian criterion: twice all
rows are no more information. So rows that repeat others are merged first, and their weights added; what is counted then
is different rows.
"""

import numpy as np

from models.arrays import FloatArray, IntArray


def merge_rows(inputs: FloatArray, target: FloatArray, weights: FloatArray) -> tuple[IntArray, FloatArray | None]:
    """Places of the different rows that have a weight, in an order of their own, and their weights, of mean 1.

    Where no row repeats another and all weights are equal, or all rows are one, the rows stay in their order, and the
    weights are None.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        weights: 0 or more, finite, ``(rows,)``.
    """
    present = np.flatnonzero(weights > 0)
    table = np.column_stack([inputs, target])[present] + 0.0  # -0 is 0
    _, first, place = np.unique(table, axis=0, return_index=True, return_inverse=True)
    largest = weights.max()  # sums of shares are finite whatever the weights are
    summed = np.bincount(place.ravel(), weights[present] / largest)
    if len(first) == 1 or (len(first) == len(present) and np.ptp(summed) == 0):
        return present, None
    return present[first], mean_one(summed.astype(np.float64))


def mean_one(weights: FloatArray) -> FloatArray:
    """The same weights with a mean of 1."""
    return np.asarray(weights / weights.mean())
