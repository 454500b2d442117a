"""Whether residuals are systematic: whether low polynomials of the columns explain more of them than chance does, or
the rows at an end of a column lie to one side, as where the truth is cut off or bends there.

A score test that holds where the noise is larger in some rows than in others (White 1980; Wooldridge 1991). It sees
what trees on held-out rows do not: a smooth misfit of a hundredth of the noise's variance.
"""

from collections.abc import Iterator

import numpy as np
from scipy.special import chdtrc

from models.arrays import FloatArray

CHANCE = 1e-3
"""Of calling pure noise systematic, in all sets of polynomials together."""
CHANCE_AT_ENDS = 2e-3
"""The same, in all ends of columns together: what bends there is wrong beyond."""
END_SHARE, MAX_END_SHARE, MIN_END_ROWS = 0.15, 0.3, 5
"""Share of the rows at an end, at most where several have its value, and rows, at least."""
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
    if any(_chance(features - own @ (own.T @ features), rest) < CHANCE / len(sets) for features in sets):
        return True
    ends = list(_ends(x))
    return any(_chance_at_end(end, end - own @ (own.T @ end), rest) < CHANCE_AT_ENDS / len(ends) for end in ends)


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


def _chance_at_end(at_end: FloatArray, feature: FloatArray, rest: FloatArray) -> float:
    """How probable it is that noise lies as far to one side in the rows at an end as these residuals do."""
    variance = max(float(np.mean(rest**2)), float(np.var(rest[at_end == 1])))
    return float(chdtrc(1, (feature @ rest) ** 2 / (variance * (feature @ feature))))


def _ends(inputs: FloatArray) -> Iterator[FloatArray]:
    """1 for the rows at an end of a column and 0 for the others, ``(rows,)``, for both ends of each column."""
    for column in inputs.T:
        low, high = np.quantile(column, [END_SHARE, 1 - END_SHARE])
        for at_end in (column <= low, column >= high):
            if at_end.sum() >= MIN_END_ROWS and at_end.mean() <= MAX_END_SHARE:
                yield at_end.astype(np.float64)


def _legendre(column: FloatArray, degree: int) -> FloatArray:
    """Legendre polynomials from the first, of a column or the logarithm of a positive one, ``(rows, degree)``."""
    view = np.log(np.abs(column)) if (column > 0).all() or (column < 0).all() else column
    scaled = 2 * (view - view.min()) / max(float(np.ptp(view)), 1e-300) - 1
    return np.asarray(np.polynomial.legendre.legvander(scaled, min(degree, len(np.unique(column)) - 1))[:, 1:])
