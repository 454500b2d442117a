"""The scans for laws with a wave, an exponential, a root or a logarithm beside other terms."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.unary.additive import (
    LARGEST_ANGLE,
    RATES,
    RATIOS,
    SPANS,
    STEP,
    WAVE,
    Rows,
    Term,
    candidate_of,
    refined,
    scan,
)
from training.symbolic.unary.grids import inner_products, outer_products, products, usual_base
from training.symbolic.unary.table import few_valued

MAX_COLUMNS = 6
"""Columns of a table that is scanned, at most."""
FEW_OUTER = 12
"""Outer products beside decays and waves in two products."""


def additive_candidates(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    functions: tuple[str, ...],
    deadline: Deadline = NO_DEADLINE,
) -> Iterator[Candidate]:
    """Sums of products and one of them with a function, exact ones alone.

    Args:
        inputs: ``(rows, columns)``, of the columns that matter.
        target: ``(rows,)``.
        random: draws rows.
        functions: names of those that are tried.
        deadline: checked before every step.
    """
    if not 0 < inputs.shape[1] <= MAX_COLUMNS or few_valued(inputs).any():
        return
    rows = Rows.of(inputs, target, usual_base(inputs), random)
    if rows is None:
        return
    for outer, terms in _scans(rows.inputs, functions):
        values = np.concatenate([term.values(rows.inputs) for term in terms], 1) if terms else np.zeros((1, 0))
        best = None
        for term in scan(rows, outer, terms, values, deadline) if terms else ():
            better = refined(rows, term, deadline)
            if better is not None and (best is None or np.abs(better.outer).sum() < np.abs(best.outer).sum()):
                best = better
        found = candidate_of(rows, best, inputs) if best is not None else None
        if found is not None:
            yield found
            return


def _scans(inputs: FloatArray, functions: tuple[str, ...]) -> Iterator[tuple[FloatArray, list[Term]]]:
    """Outer products, and terms to multiply with them, the simplest first."""
    none, outer, inner = np.zeros(inputs.shape[1]), outer_products(inputs), inner_products(inputs)
    spread = np.ptp(products(inputs, inner), axis=0)
    largest = np.abs(products(inputs, inner)).max(0)
    waves = {"sin", "cos"} <= set(functions)
    if waves:
        yield outer, [term for row in inner for term in _waves(none, [row], _angles(inputs, row))]
    single = []
    for row, size, most in zip(inner, spread, largest, strict=True):
        each = row[None]
        if "exp" in functions:
            single += [Term(none, "exp", each, np.array([f])) for f in (*(SPANS / size), *(-SPANS / size), 1.0, -1.0)]
        single += [Term(none, "root", each, np.array([ratio / most])) for ratio in (*RATIOS, most)]
        if "log" in functions:
            single += [Term(none, "shifted", each, np.array([ratio / most])) for ratio in (*RATIOS, most)]
            single += [Term(none, "log", each, np.ones(1))]
    yield outer, single
    if waves:
        yield from _waves_in_sums(inputs, outer, none)
        if "exp" in functions:
            yield from _damped(inputs, outer[:FEW_OUTER], inner[np.abs(inner).sum(1) <= 2], none)


def _angles(inputs: FloatArray, row: FloatArray) -> FloatArray:
    values = products(inputs, row[None])[:, 0]
    return np.append(1.0, np.arange(STEP, LARGEST_ANGLE, STEP) / max(np.ptp(values), 1e-300))


def _waves(none: FloatArray, rows: list[FloatArray], *factors: FloatArray) -> Iterator[Term]:
    grid = np.stack(np.meshgrid(*factors, indexing="ij"), -1).reshape(-1, len(factors))
    inner = np.array(rows)
    for each in grid:
        yield Term(none, WAVE, inner, each)


def _waves_in_sums(inputs: FloatArray, outer: FloatArray, none: FloatArray) -> Iterator[tuple[FloatArray, list[Term]]]:
    """Waves of a sum of two products, each of one column or two."""
    rows = [row for row in outer if set(row[row != 0].tolist()) == {1.0}]
    for first, second in combinations(rows, 2):
        if not (first * second).any():
            a, b = (_angles(inputs, row)[::2] for row in (first, second))
            others = outer[~((outer != 0) & ((first + second) != 0)).any(1)]
            yield others, list(_waves(none, [first, second], np.append(1.0, a), np.concatenate([[1.0], b, -b])))


def _damped(
    inputs: FloatArray, outer: FloatArray, inner: FloatArray, none: FloatArray
) -> Iterator[tuple[FloatArray, list[Term]]]:
    """Waves with a decay."""
    for damped in np.eye(inputs.shape[1]):
        size = max(float(np.ptp(inputs @ damped)), 1e-300)
        for rate in RATES / size:
            terms = [
                Term(none, WAVE, term.inner, term.factors, damped, float(rate))
                for row in inner
                for term in _waves(none, [row], _angles(inputs, row))
            ]
            yield outer, terms
