"""Whether residuals are systematic: whether low polynomials of the columns explain more of them than chance does.

A score test that holds where the noise is larger in some rows than in others (White 1980; Wooldridge 1991). It sees
what trees on held-out rows do not: a smooth misfit of a hundredth of the noise's variance.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import chdtrc

from models.arrays import FloatArray

CHANCE = 1e-3
"""Of calling pure noise systematic, in all sets of polynomials together."""
ROWS_PER_FEATURE = 6
DEGREES = (2, 4, 7)
MAX_ROWS = 4_000
CLIPPED = 5.0
"""Times their median size at which residuals are cut off."""


def is_systematic(inputs: FloatArray, errors: FloatArray, slopes: FloatArray) -> bool:
    """Whether errors follow from the columns.

    Args:
        inputs: ``(rows, columns)``.
        errors: of one variance, more or less, ``(rows,)``.
        slopes: the law's derivatives by its constants, in the errors' unit, ``(rows, constants)``: what constants could
            take up does not count.
    """
    x, rest = inputs[:MAX_ROWS], errors[:MAX_ROWS]
    size = float(np.median(np.abs(rest)))
    if size == 0:
        return False
    rest = np.clip(rest / size, -CLIPPED, CLIPPED)
    own = slopes[:MAX_ROWS, np.isfinite(slopes[:MAX_ROWS]).all(0)]
    own = np.column_stack([np.ones(len(x)), own / np.maximum(np.abs(own).max(0), 1e-300)])
    own = np.linalg.qr(own / np.maximum(np.linalg.norm(own, axis=0), 1e-300))[0]
    rest = rest - own @ (own.T @ rest)
    sets = [features for features in _sets(x) if features.shape[1] * ROWS_PER_FEATURE <= len(x)]
    return any(_chance(features - own @ (own.T @ features), rest) < CHANCE / len(sets) for features in sets)


def _chance(features: FloatArray, rest: FloatArray) -> float:
    """How probable it is that noise agrees with the features as much as these residuals do."""
    length = np.linalg.norm(features, axis=0)
    features = features[:, length > 1e-6 * length.max()]
    scores, spread = features.T @ rest, (features * (rest**2)[:, None]).T @ features
    values, vectors = np.linalg.eigh(spread)
    kept = values > 1e-9 * values.max()
    statistic = float((((vectors[:, kept].T @ scores) ** 2) / values[kept]).sum())
    return float(chdtrc(int(kept.sum()), statistic))


def _sets(inputs: FloatArray) -> Iterator[FloatArray]:
    """Sets of polynomials, from the lowest: of single columns, then of pairs too, ``(rows, features)``."""
    columns = [_legendre(column, max(DEGREES)) for column in inputs.T if np.ptp(column) > 0]
    for degree in DEGREES:
        yield np.concatenate([column[:, :degree] for column in columns], 1)
    pairs = [
        (one[:, :2, None] * other[:, None, :2]).reshape(len(inputs), -1)
        for place, one in enumerate(columns)
        for other in columns[place + 1 :]
    ]
    if pairs:
        yield np.concatenate([*(column[:, :2] for column in columns), *pairs], 1)


def _legendre(column: FloatArray, degree: int) -> FloatArray:
    """Legendre polynomials from the first, of a column or the logarithm of a positive one, ``(rows, degree)``."""
    view = np.log(np.abs(column)) if (column > 0).all() or (column < 0).all() else column
    scaled = 2 * (view - view.min()) / max(float(np.ptp(view)), 1e-300) - 1
    return np.asarray(np.polynomial.legendre.legvander(scaled, min(degree, len(np.unique(column)) - 1))[:, 1:])
