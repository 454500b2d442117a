"""Monomials, a constant times a product of powers: linear in logarithms of magnitudes, with signs found apart."""

import numpy as np

from models.arrays import BoolArray, FloatArray
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.snap import snap_exponents

MAX_ZERO_SHARE = 0.01
"""Share of zeros in a column that may be rounding: with more, where the target is not 0, it is no factor."""
GRID, ROUNDING = 12, 1e-11
"""Exponents nearer to a multiple of one over the first than changes the target by the second are that multiple: of a
target that is constant but for rounding, exponents would fit the rounding."""


def monomial_candidates(
    inputs: FloatArray,
    target: FloatArray,
    deadline: Deadline = NO_DEADLINE,
    row_weights: FloatArray | None = None,
) -> list[Candidate]:
    """Candidates of one term, with constants still to be fitted: for errors in proportion, and for errors of one size.

    ``log|y| = log|c| + sum_i W_i log|x_i|`` gives exponents by least squares. Signs are no part of it: the sign of y is
    a parity, over GF(2), of the signs of some columns.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        deadline: checked before every step.
        row_weights: of the rows, their mean 1, ``(rows,)``; None: 1.
    """
    known = target != 0
    columns = (inputs[known] == 0).mean(0) < MAX_ZERO_SHARE if known.any() else known[:0]
    rows = known & (inputs[:, columns] != 0).all(1)
    if not columns.any() or rows.sum() < columns.sum() + 3 or _contradicted(inputs, target):
        return []
    logs, goal = np.log(np.abs(inputs[rows][:, columns])), np.log(np.abs(target[rows]))
    found: list[Candidate] = []
    each = np.ones(rows.sum()) if row_weights is None else row_weights[rows]
    for weights in (each, each * target[rows] ** 2):
        root = weights / weights.sum()
        values, _ = snap_exponents(logs - root @ logs, goal - root @ goal, weights, deadline)
        exponents = np.zeros(inputs.shape[1])
        exponents[columns] = _without_rounding(values, np.ptp(logs, axis=0))
        exponents[_switches(inputs, rows) & (exponents == 0)] = 1.0
        candidate = _with_signs(exponents, inputs[rows], target[rows])
        if candidate is not None and not any(np.array_equal(candidate.exponents, other.exponents) for other in found):
            found.append(candidate)
    return found


def _without_rounding(exponents: FloatArray, spread: FloatArray) -> FloatArray:
    """Exponents that are a simple fraction but for rounding; ``spread``: of the columns' logarithms, ``(columns,)``."""
    near = np.round(exponents * GRID) / GRID
    return np.where(np.abs(exponents - near) * spread < ROUNDING, near, exponents)


def _contradicted(inputs: FloatArray, target: FloatArray) -> bool:
    """Whether the target is 0 where no input is, more than rarely: then it is no product."""
    return bool(np.mean((target == 0) & (inputs != 0).all(1)) > MAX_ZERO_SHARE)


def _switches(inputs: FloatArray, rows: BoolArray) -> BoolArray:
    """Columns of one magnitude where the target is not 0, and of 0 somewhere else: a factor that is on or off."""
    return np.asarray((np.ptp(np.abs(inputs[rows]), axis=0) == 0) & (inputs[~rows] == 0).any(0))


def _with_signs(exponents: FloatArray, inputs: FloatArray, target: FloatArray) -> Candidate | None:
    signs = signs_of(exponents[None], inputs)
    mixed = (inputs < 0).any(0) & (inputs > 0).any(0)
    if mixed.any():
        odd = _parity(inputs[:, mixed] < 0, target < 0, np.nan_to_num(signs[0, mixed]) < 0)
        if odd is None:
            return None
        exponents = exponents.copy()
        alone = odd & (exponents[mixed] == 0) & (np.ptp(np.abs(inputs[:, mixed]), axis=0) == 0)
        exponents[np.flatnonzero(mixed)[alone]] = 1.0  # a column of 1 and -1: its magnitude carries no information
        signs[0, mixed] = np.where(odd, -1.0, 1.0)
    with np.errstate(all="ignore"):
        term = (np.abs(inputs) ** exponents * np.where(inputs < 0, signs, 1.0)).prod(1)
        constant = float(np.exp(np.mean(np.log(np.abs(target / term)))) * np.sign(np.median(np.sign(target / term))))
    if not np.isfinite(constant) or constant == 0:
        return None
    return Candidate(exponents[None], signs, np.array([constant]), np.zeros(1, dtype=np.int64), np.ones(1))


def _parity(signs: BoolArray, target: BoolArray, expected: BoolArray) -> BoolArray | None:
    """Which columns' signs multiply to the target's, up to one sign for all rows; the expected answer if it is one.

    Gaussian elimination over GF(2); None if there is no answer.
    """
    ones = np.ones((len(signs), 1), dtype=bool)
    system = np.unique(np.concatenate([signs, ones, target[:, None]], 1), axis=0)
    if len({bool(row) for row in (system[:, :-2] & expected).sum(1) % 2 ^ system[:, -1]}) == 1:
        return expected
    unknowns = system.shape[1] - 1
    pivots: list[int] = []
    for column in range(unknowns):
        below = np.flatnonzero(system[len(pivots) :, column]) + len(pivots)
        if not len(below):
            continue
        top = len(pivots)
        system[[top, below[0]]] = system[[below[0], top]]
        others = system[:, column].copy()
        others[top] = False
        system[others] ^= system[top]
        pivots.append(column)
    if system[len(pivots) :, -1].any():
        return None
    answer = np.zeros(unknowns, dtype=bool)
    answer[pivots] = system[: len(pivots), -1]
    return answer[:-1]
