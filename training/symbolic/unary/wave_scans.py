"""Scans for waves of two products: a wave of their sum, or a product of two waves, beside powers of columns."""

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import numpy as np

from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.unary.log_scan import PAIRS, FittedShape, disjoint_pairs, fitted
from training.symbolic.unary.shapes import Shape
from training.symbolic.unary.table import LogTable, few_valued

WAVES = ("sin", "cos")


def scan_waves(
    table: LogTable, functions: Sequence[str], deadline: Deadline = NO_DEADLINE
) -> Iterator[list[FittedShape]]:
    """The best wave of each sum of two products, and the best product of two waves of columns.

    Args:
        table: the rows.
        functions: names of those that are tried; both waves or none.
        deadline: checked before every step.
    """
    if not set(WAVES) <= set(functions):
        return
    alone = np.eye(table.inputs.shape[1])[~few_valued(table.inputs)]
    unordered, ordered = (list(of_two(alone, 2))[: 2 * PAIRS] for of_two in (combinations, permutations))
    for name, other, pairs in (("sin", "cos", ordered), ("sin", "sin", unordered), ("cos", "cos", unordered)):
        for pair in pairs:
            yield fitted(table, Shape(name, 2, second=other), [np.array(pair)], deadline)
    for inner in disjoint_pairs(table.inputs):
        for name in WAVES:
            yield fitted(table, Shape(name, 2), [inner], deadline)
