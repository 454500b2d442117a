"""The stages of the search for laws with functions, cheap ones first."""

from collections.abc import Iterator
from itertools import chain

import numpy as np

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.unary.additive_scans import additive_candidates
from training.symbolic.unary.build import of_shapes
from training.symbolic.unary.log_scan import SOLVED, scan_products, scan_sums
from training.symbolic.unary.table import LogTable

OFFERED = 2
"""Of every scan, at most."""
NEAR_ZERO = 3.0
"""Share of the median magnitude below which rows lose weight where the target has both signs."""


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
    both = (target < 0).any() and (target > 0).any()
    table = LogTable.of(inputs, target, random, NEAR_ZERO if both else 0.0)
    if table is None:
        return
    scans = scan_products(table, space.functions, deadline, outstanding=outstanding)
    for found in scans if outstanding else chain(scan_sums(table, space.functions, deadline), scans):
        order = [one for one in sorted(found, key=lambda one: one.order)[:OFFERED] if one.error < SOLVED]
        for one in order:
            yield list(of_shapes([(one.shape, one.inner, one.parameters, one.power)], inputs, target, deadline))
        if order:
            return


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
    for candidate in additive_candidates(inputs, target, random, space.functions, deadline):
        yield [candidate]
    yield from functions_of_a_product(inputs, target, random, deadline, space)
