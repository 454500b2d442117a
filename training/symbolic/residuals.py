"""How much of a target, or of residuals, trees and polynomials can learn from the columns."""

import numpy as np

from models.arrays import FloatArray
from training.symbolic.deadline import NO_DEADLINE, Deadline

MAX_ROWS, MIN_ROWS = 2_000, 20
MIN_LEARNABLE_SHARE = 0.1
"""Share of the spread of residuals that counts as learnable."""


def learnable(inputs: FloatArray, residuals: FloatArray, deadline: Deadline = NO_DEADLINE) -> bool:
    """Whether residuals hold more than noise, see ``learnable_share``."""
    return learnable_share(inputs, residuals, deadline=deadline) > MIN_LEARNABLE_SHARE


def learnable_share(inputs: FloatArray, target: FloatArray, seed: int = 0, deadline: Deadline = NO_DEADLINE) -> float:
    """Share of the target's spread that trees or a polynomial predict on rows held out, the better of the two.

    Fewer than 20 rows count as not learnable.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``; its ranks count, so a few large values decide nothing.
        seed: of the folds.
        deadline: checked before every fold.
    """
    rows = min(len(target), MAX_ROWS)
    if rows < MIN_ROWS:
        return 0.0
    from sklearn.ensemble import HistGradientBoostingRegressor  # slow to import, and not needed for exact laws
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import KFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, QuantileTransformer, StandardScaler

    index = np.random.default_rng(seed).permutation(len(target))[:rows]
    ranks = np.argsort(np.argsort(target[index])).astype(np.float64)
    goal = (ranks - ranks.mean()) / ranks.std()
    folds = KFold(5, shuffle=True, random_state=seed)
    ranked = QuantileTransformer(n_quantiles=min(100, rows * 4 // 5), random_state=seed)
    degree = 3 if inputs.shape[1] <= 6 else 1 if inputs.shape[1] > 30 else 2
    polynomial = make_pipeline(ranked, PolynomialFeatures(degree), StandardScaler(), RidgeCV(np.logspace(-2, 4, 7)))
    trees = HistGradientBoostingRegressor(max_iter=60, min_samples_leaf=5, random_state=seed)
    x, errors = inputs[index], np.zeros((2, rows))
    for train, held_out in folds.split(x):
        for error, learner in zip(errors, (polynomial, trees), strict=True):
            deadline.check()
            error[held_out] = goal[held_out] - learner.fit(x[train], goal[train]).predict(x[held_out])
    return float(1 - np.mean(errors**2, 1).min())
