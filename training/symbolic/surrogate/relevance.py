"""Which columns of a table its target depends on: backward elimination by the evidence of a Gaussian process."""

from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import different_rows
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.surrogate.features import Features, target_views
from training.symbolic.surrogate.gaussian_process import GaussianProcess, fit_gaussian_process, start_of

VIEW_ROWS, ROWS, MIN_ROWS = 120, 250, 12
"""Rows that choose a view and rows of the surrogate, at most; with fewer than ``MIN_ROWS`` nothing is told."""
ITERATIONS, REFIT_ITERATIONS = 60, 30
MIN_EVIDENCE = 3.0
"""Logarithm of the factor by which the rows must be likelier with a column than without it, for it to matter."""
FLAT = 0.02
"""Inverse length scale, of a column of variance 1, below which columns are left out together."""
USUAL, FAR = 0.9, 10.0
"""Rows whose target is this many times its quantile of 90 % lie near a pole, and are left out."""
DOUBT = 0.05
"""Share of the variance that a surrogate leaves from which on every column is kept: one may be hidden in it."""


@dataclass(frozen=True)
class Surrogate:
    """A Gaussian process of the columns that matter, in a view where the target is smooth.

    Args:
        columns: places of those columns, the one that the target varies with most first.
        inputs: the rows that it is fitted to, of all columns, ``(rows, columns)``.
        features: of those rows.
        process: of the features of ``columns``.
    """

    columns: IntArray
    inputs: FloatArray
    features: Features
    process: GaussianProcess


@dataclass(frozen=True)
class Relevance:
    """The columns that matter.

    Args:
        columns: their places, the one that the target varies with most first; in doubt, all.
        likely: those that seem to matter, even where too little is known to leave out the others.
        unexplained: share of the variance of the target, or of its logarithm or inverse, that the surrogate of these
            columns does not predict on rows left out: what the other columns may matter for, at most. 1e-4 and less
            is usual without noise; 1 where nothing is known, and then all columns are kept.
    """

    columns: IntArray
    likely: IntArray
    unexplained: float


def relevant_columns(
    inputs: FloatArray, target: FloatArray, random: np.random.Generator, deadline: Deadline = NO_DEADLINE
) -> Relevance:
    """The columns that a target depends on; in doubt a column is kept.

    It takes half a second of one core for five to nine columns, whatever the number of rows.

    Args:
        inputs: ``(rows, columns)``, finite.
        target: ``(rows,)``, finite.
        random: draws rows.
        deadline: checked before every step.

    Raises:
        DeadlineError: it has passed.
    """
    surrogate, every = fit_surrogate(inputs, target, random, deadline), np.arange(inputs.shape[1])
    if surrogate is None:
        return Relevance(every, every, 1.0)
    unexplained = surrogate.process.unexplained
    return Relevance(every if unexplained > DOUBT else surrogate.columns, surrogate.columns, min(unexplained, 1.0))


def fit_surrogate(
    inputs: FloatArray, target: FloatArray, random: np.random.Generator, deadline: Deadline = NO_DEADLINE
) -> Surrogate | None:
    """The surrogate of the columns that matter; None where rows are few. See above."""
    near = np.abs(target) <= FAR * np.quantile(np.abs(target), USUAL)
    drawn = random.permutation(np.flatnonzero(near))[: 4 * ROWS]
    rows = drawn[different_rows(inputs[drawn], target[drawn])[:ROWS]]
    x, y = inputs[rows], target[rows]
    if len(y) < MIN_ROWS or np.ptp(y) == 0:
        return None
    magnitudes, view, logs = _best_view(x, y, deadline)
    features = Features.of(x, magnitudes=magnitudes)
    process = fit_gaussian_process(features.values, list(target_views(y))[view], logs, ITERATIONS, deadline)
    columns, process = _eliminated(features, process, deadline)
    kept = features.of_columns(columns)
    slopes = process.gradients(process.features) * features.slopes[:, kept]
    steps = np.stack([slopes[:, features.columns[kept] == column].sum(1) for column in columns], 1) * x[:, columns].std(
        0
    )
    return Surrogate(columns[np.argsort(-np.mean(steps**2, 0))], x, features, process)


def _best_view(inputs: FloatArray, target: FloatArray, deadline: Deadline) -> tuple[bool, int, FloatArray]:
    """Whether logarithms of all magnitudes are features, the number of the target's view, and the fitted logarithms."""
    x, goals = inputs[:VIEW_ROWS], list(target_views(target))
    found = []
    for magnitudes in (False, True)[: 1 + int((inputs <= 0).any())]:
        values = Features.of(x, magnitudes=magnitudes).values
        for view, goal in enumerate(goals):
            process = fit_gaussian_process(
                values, goal[:VIEW_ROWS], start_of(values.shape[1]), REFIT_ITERATIONS, deadline
            )
            found.append((process.unexplained, magnitudes, view, process.logs))
    return min(found, key=lambda each: each[0])[1:]


def _eliminated(features: Features, process: GaussianProcess, deadline: Deadline) -> tuple[IntArray, GaussianProcess]:
    """The columns that matter, and the process of their features: the flattest go first, as long as none is missed."""
    columns = np.arange(features.columns.max() + 1)
    together = True
    while len(columns) > 1:
        own = features.columns[features.of_columns(columns)]
        speed = np.array([process.inverse_lengths[own == column].max() for column in columns])
        left_out = speed < FLAT if together else np.arange(len(columns)) == speed.argmin()
        if left_out.any() and not left_out.all():
            rest = columns[~left_out]
            trial = process.without(np.isin(own, rest), REFIT_ITERATIONS, deadline)
            if trial.loss - process.loss <= MIN_EVIDENCE * left_out.sum():
                columns, process = rest, trial
            elif not together:
                break
        together = False
    return columns, process
