"""The stages of the search for laws with functions, cheap ones first."""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.unary.additive_scans import additive_candidates
from training.symbolic.unary.amplitudes import waves_with_amplitudes
from training.symbolic.unary.build import of_shapes
from training.symbolic.unary.log_scan import SOLVED, FittedShape, scan_products, scan_sums
from training.symbolic.unary.shapes import Shape
from training.symbolic.unary.table import LogTable, exponent_rows, many_valued_products
from training.symbolic.unary.wave_scans import scan_waves

OFFERED = 2
"""Of every scan, at most."""
NEAR_ZERO = 3.0
"""Share of the median magnitude below which rows lose weight where the target has both signs."""
ROWS_PER_CONSTANT = 2
MAX_RATES = 3
"""Products in a decay, at most: more fit a function that is no law."""
DAMPED = 1
"""Products whose functions are tried beside decays: the likeliest."""
ROUNDING = 1e-7
"""Exponents of decays below this, at their largest."""


def waves_of_two_products(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
) -> Iterator[list[Candidate]]:
    """Products of powers times a wave of a sum, or times two waves; exact ones alone.

    Arguments as those of ``functions_in_sums``.
    """
    table = LogTable.of(inputs, target, random, NEAR_ZERO)
    scans = scan_waves(table, space.functions, deadline) if table is not None else ()
    for one in _first_solved(scans):
        yield list(of_shapes(one.parts(), inputs, target, deadline))


def functions_of_a_product(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
    *,
    outstanding: bool = False,
) -> Iterator[list[Candidate]]:
    """Products of powers times a function of one product, exact ones alone, with constants still to be snapped.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        random: draws rows.
        deadline: checked before every step.
        space: names the functions.
        outstanding: only of products that seem right at once.
    """
    table = LogTable.of(inputs, target, random, _near_zero(target))
    if table is None:
        return
    scans = scan_products(table, space.functions, deadline, outstanding=outstanding)
    for one in _first_solved(scans if outstanding else chain(scan_sums(table, space.functions, deadline), scans)):
        yield list(of_shapes(one.parts(), inputs, target, deadline))


def functions_with_decays(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
) -> Iterator[list[Candidate]]:
    """Products of powers and exponentials times a function of one product, as a damped wave; exact ones alone.

    Arguments as those of ``functions_in_sums``.
    """
    for decays in _decays(inputs) if "exp" in space.functions else ():
        table = LogTable.of(inputs, target, random, _near_zero(target), decays)
        if table is None or len(table.target) < ROWS_PER_CONSTANT * table.columns.shape[1]:
            return
        solved = _first_solved(scan_products(table, space.functions, deadline, most=DAMPED))
        for one in solved:
            decay = _decay(table, one)
            if sum(len(rates) for _, _, rates, _ in decay) <= MAX_RATES:
                yield list(of_shapes([*one.parts(), *decay], inputs, target, deadline))
        if solved:
            return


def _first_solved(scans: Iterable[list[FittedShape]]) -> list[FittedShape]:
    """The exact shapes of the first scan that has any, the simplest first; none without."""
    for found in scans:
        solved = [one for one in sorted(found, key=lambda one: one.order)[:OFFERED] if one.error < SOLVED]
        if solved:
            return solved
    return []


def _near_zero(target: FloatArray) -> float:
    """The share for a ``LogTable``."""
    return NEAR_ZERO if (target < 0).any() and (target > 0).any() else 0.0


def _decays(inputs: FloatArray) -> Iterator[FloatArray]:
    """Exponents of products inside exponentials: of columns alone, then of two or three too."""
    columns = inputs.shape[1]
    every = exponent_rows(columns, 3, {1: (-1.0, 1.0, 2.0), 2: (-1.0, 1.0), 3: (-1.0, 1.0)})
    short = every[(np.count_nonzero(every, axis=1) < 3) | (every.sum(1) == 1)]
    for rows in (np.eye(columns), short):
        yield many_valued_products(rows, inputs)


def _decay(table: LogTable, found: FittedShape) -> list[tuple[Shape, FloatArray, FloatArray, float]]:
    """The exponential beside a function, for ``of_shapes``; none where its rates are rounding."""
    terms = table.products(found.inner)[None]
    constants = table.constants(found.power * found.shape.logs(terms, found.parameters[None])[0])
    rates = constants[len(constants) - len(table.decays) :]
    size = np.abs(rates) * np.abs(table.products(table.decays)).max(1)
    kept = size > ROUNDING
    return [(Shape("exp", int(kept.sum())), table.decays[kept], rates[kept], 1.0)] if kept.any() else []


def functions_in_sums(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
) -> Iterator[list[Candidate]]:
    """Functions beside other terms, functions of sums, and of all products, exact ones alone.

    Args:
        inputs: ``(rows, columns)``, of the columns that matter.
        target: ``(rows,)``.
        random: draws rows.
        deadline: checked before every step.
        space: names the functions.
    """
    for candidate in waves_with_amplitudes(inputs, target, random.spawn(1)[0], space.functions, deadline):
        yield [candidate]
    yield from functions_with_decays(inputs, target, random.spawn(1)[0], deadline, space)
    if (target < 0).any() and (target > 0).any():
        yield from waves_of_two_products(inputs, target, random.spawn(1)[0], deadline, space)
    for candidate in additive_candidates(inputs, target, random, space.functions, deadline):
        yield [candidate]
    yield from functions_of_a_product(inputs, target, random, deadline, space)
