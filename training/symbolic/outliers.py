"""Outliers: rows that break the law that nearly all others follow to rounding, such as a slip of the pen."""

from dataclasses import replace

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.acceptance import EXACT
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.search import search
from training.symbolic.search_space import ANY_LAW, SearchSpace

SAMPLE, TRIES = 48, 4
"""Rows of a sample, so few that one without outliers is soon drawn, and samples that are searched."""
MAX_OUTLIER_SHARE = 0.05
"""Share of the rows that may be outliers."""
MIN_ROWS = 12


def find_outliers(
    inputs: FloatArray,
    target: FloatArray,
    *,
    space: SearchSpace = ANY_LAW,
    seed: int = 0,
    rounds: int = 1,
    deadline: Deadline = NO_DEADLINE,
) -> tuple[Candidate, IntArray] | None:
    """The law that all rows but a few follow exactly, and the places of those; None if there is none, or no outlier.

    Args:
        inputs: ``(rows, columns)``, finite.
        target: ``(rows,)``, finite.
        space: the laws that may be tried; of these, the ones without functions are.
        seed: of the samples.
        rounds: of each search, see ``search``.
        deadline: of all searches together.
    """
    random = np.random.default_rng(seed)
    without_functions = replace(space, functions=())
    for tried in range(TRIES if len(target) >= MIN_ROWS else 0):
        if deadline.remaining <= 0:
            break
        rows = random.permutation(len(target))[: min(SAMPLE, 2 * len(target) // 3)]
        if np.ptp(target[rows]) == 0:
            continue
        share = deadline.share(1 / (TRIES - tried))
        found = search(inputs[rows], target[rows], space=without_functions, rounds=rounds, deadline=share)
        off = _off(found.candidate, inputs, target)
        if found.reason is None and 0 < len(off) <= max(1, MAX_OUTLIER_SHARE * len(target)):
            return found.candidate, off
    return None


def _off(law: Candidate, inputs: FloatArray, target: FloatArray) -> IntArray:
    """Places of the rows that a law does not give to rounding."""
    with np.errstate(all="ignore"):
        off = np.abs(law.predict(inputs) - target)
    return np.flatnonzero(~(off <= EXACT * (np.abs(target) + np.median(np.abs(target)))))
