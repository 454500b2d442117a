"""The stages of a search in a wide table: those of the few columns that screens choose, and long sums and products."""

from collections.abc import Iterator

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.forward_selection import centred, forward_selection
from training.symbolic.linear import linear_candidates
from training.symbolic.monomial import monomial_candidates
from training.symbolic.quotients.exact_quotients import quick_quotients
from training.symbolic.residuals import learnable_share
from training.symbolic.screening import log_magnitudes, screened_columns, screened_rows
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.stages import (
    MIN_SHARE_FOR_ROUNDS,
    QUOTIENTS,
    SIMPLE,
    Stage,
    quotients,
    simple_candidates,
    sums_of_products,
    two_sums,
)
from training.symbolic.subset_least_squares import least_squares

MAX_ALL_COLUMNS = 300
"""Columns of a table that is tried as a whole, at most, for sums and products of most of its columns."""
MAX_TWO_SUMS_COLUMNS = 128
MAX_UNEXPLAINED = 0.05
"""Share of the variance that all columns together may leave where most of them may be in a law."""
SCREENING = "screening"


def wide_stages(
    inputs: FloatArray,
    target: FloatArray,
    rounds: int,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
) -> Iterator[Stage]:
    """Candidates of the columns that screens choose.

    Raises:
        DeadlineError: it has passed.
    """
    yield from _long_sums_and_products(inputs, target, random, deadline)
    if rounds == 0:
        return
    yield Stage(SCREENING, more_at_once=True)
    sets: list[IntArray] = []
    for columns in screened_columns(inputs, target, random, deadline):
        if not any(np.array_equal(columns, other) for other in sets):
            sets.append(columns)
            x = inputs[:, columns]
            yield Stage(SIMPLE, simple_candidates(x, target, deadline), more_at_once=True, columns=columns)
            quick = quick_quotients(x, target, random, deadline, space)
            yield Stage(QUOTIENTS, quick, more_at_once=True, columns=columns)
            yield from two_sums(inputs, target, random, deadline, columns)
    if inputs.shape[1] <= MAX_TWO_SUMS_COLUMNS:
        yield from two_sums(inputs, target, random, deadline)
    for done in range(rounds):
        for columns in sets:
            title = f"{len(columns)} columns, round {done + 1} of {rounds}"
            x = inputs[:, columns]
            if done == 1 and learnable_share(x, target, deadline=deadline) < MIN_SHARE_FOR_ROUNDS:
                continue
            exact = quotients(inputs, target, [columns] if done == 0 else (), random, deadline, space)
            yield from sums_of_products(inputs, target, columns, exact, random, title, deadline, space)


def _long_sums_and_products(
    inputs: FloatArray, target: FloatArray, random: np.random.Generator, deadline: Deadline
) -> Iterator[Stage]:
    """Sums and products of the columns that forward selection chooses, and of all where they are not too many."""
    rows = random.permutation(np.flatnonzero(target))[: screened_rows(inputs.shape[1])]
    logs, goal = log_magnitudes(inputs[rows]), np.log(np.abs(target[rows]))
    columns = forward_selection(logs, goal, deadline)
    yield Stage(SIMPLE, monomial_candidates(inputs[:, columns], target, deadline), more_at_once=True, columns=columns)
    columns = forward_selection(inputs[rows], target[rows], deadline)
    yield Stage(SIMPLE, linear_candidates(inputs[:, columns], target, deadline), more_at_once=True, columns=columns)
    deadline.check()
    if inputs.shape[1] > MAX_ALL_COLUMNS:
        return
    if _explained(inputs[rows], target[rows]):
        yield Stage(SIMPLE, linear_candidates(inputs, target, deadline), more_at_once=True)
    if _explained(logs, goal):
        yield Stage(SIMPLE, monomial_candidates(inputs, target, deadline), more_at_once=True)


def _explained(design: FloatArray, goal: FloatArray) -> bool:
    """Whether all columns together leave little of a goal, and there are rows to tell."""
    rows, columns = design.shape
    if rows < columns + 10:
        return False
    basis, y = centred(design), centred(goal[:, None])[:, 0]
    rest = y - basis @ least_squares(basis, y)
    return bool(rest @ rest * rows / (rows - columns) < MAX_UNEXPLAINED)
