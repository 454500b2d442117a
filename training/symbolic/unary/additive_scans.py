"""The scans for laws with a wave, an exponential, a root or a logarithm beside other terms."""

from collections.abc import Iterable, Iterator
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
from training.symbolic.unary.grids import inner_products, linear_base, outer_products, products, usual_base
from training.symbolic.unary.table import is_scanned

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
    if not is_scanned(inputs):
        return
    for base, scans in ((linear_base(inputs), _single_functions), (usual_base(inputs), _scans)):
        rows = Rows.of(inputs, target, base, random)
        found = _first(rows, scans(rows.inputs, functions), inputs, deadline) if rows is not None else None
        if found is not None:
            yield found
            return


def _first(
    rows: Rows, scans: Iterable[tuple[FloatArray, list[Term]]], inputs: FloatArray, deadline: Deadline
) -> Candidate | None:
    """The law with the simplest outer product of the first scan that holds one."""
    for outer, terms in scans:
        values = np.concatenate([term.values(rows.inputs) for term in terms], 1) if terms else np.zeros((1, 0))
        best = None
        for term in scan(rows, outer, terms, values, deadline) if terms else ():
            better = refined(rows, term, deadline)
            if better is not None and (best is None or np.abs(better.outer).sum() < np.abs(best.outer).sum()):
                best = better
        found = candidate_of(rows, best, inputs) if best is not None else None
        if found is not None:
            return found
    return None


def _scans(inputs: FloatArray, functions: tuple[str, ...]) -> Iterator[tuple[FloatArray, list[Term]]]:
    """Outer products, and terms to multiply with them, the simplest first."""
    none, outer, inner = np.zeros(inputs.shape[1]), outer_products(inputs), inner_products(inputs)
    waves = {"sin", "cos"} <= set(functions)
    if waves:
        yield outer, [term for row in inner for term in _waves(none, [row], _angles(inputs, row))]
    yield outer, [term for _, terms in _single_functions(inputs, functions) for term in terms]
    if waves:
        yield from _waves_in_sums(inputs, outer, none)
        if "exp" in functions:
            yield from _damped(inputs, outer[:FEW_OUTER], inner[np.abs(inner).sum(1) <= 2], none)


def _single_functions(inputs: FloatArray, functions: tuple[str, ...]) -> Iterator[tuple[FloatArray, list[Term]]]:
    """Exponentials, roots and logarithms of one product each."""
    none, outer, inner = np.zeros(inputs.shape[1]), outer_products(inputs), inner_products(inputs)
    spread, largest = np.ptp(products(inputs, inner), axis=0), np.abs(products(inputs, inner)).max(0)
    tried = {"root": (RATIOS, largest), "exp": (np.append(SPANS, -SPANS), spread), "shifted": (RATIOS, largest)}
    for function, (shares, size) in tried.items():
        if {"root": "root", "shifted": "log"}.get(function, function) in (*functions, "root"):
            ones = (1.0, -1.0) if function == "exp" else (1.0,)
            yield (
                outer,
                [
                    Term(none, function, row[None], np.array([factor]))
                    for row, each in zip(inner, size, strict=True)
                    for factor in (*(shares / each), *ones)
                ],
            )
    if "log" in functions:
        yield outer, [Term(none, "log", row[None], np.ones(1)) for row in inner]


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
