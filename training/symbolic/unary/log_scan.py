"""Laws that are a product of powers times one function of a product or a short sum, of the target's logarithm.

In logarithms such a law is a sum, ``log|y| = log|c| + sum_i p_i log|x_i| + H(m)``: all exponents p are linear, and need
no search. Which product m it is shows before the function is known: with some polynomials of its logarithm in place of
H the right one leaves least. Only for the best products, functions with their constants are then fitted.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from models.arrays import FloatArray, IntArray
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.unary.shapes import PERIODIC, Shape, starts
from training.symbolic.unary.table import LogTable, best, both_signs, exponent_rows, many_valued_products, up_to_scale
from training.symbolic.unary.variable_projection import Refined, refine
from training.symbolic.unary.wave_fit import fitted_wave

DEGREE = 9
"""Of the polynomials in place of an unknown function."""
SCREENED = (1, 3, 8, 12)
"""Products for which functions are fitted, so many at a time: the search ends once one is exact."""
FITTED, LIKELY, FIRST_STEPS = 12, 8, 6
"""Start values of each inner sum that are improved, and the best of all that are after so many steps."""
PROMISING, OUTSTANDING = 1e-2, 0.5
"""Share of the goal's square that a smooth function of a likely product leaves, and of what the next one leaves."""
NEAR = 0.5
"""Squared error below which a wave may be the right one, with zeros that are a little off."""
SOLVED = 1e-18
"""Squared error, as a share of what the powers of columns leave, at which a law is found."""
SHAPES = (
    (Shape("exp", 1), Shape("identity", 2)),
    tuple(Shape(name, 1) for name in ("sin", "cos", "tanh", "arctan", "tan", "arcsin", "arccos", "log")),
    (
        Shape("exp", 1, plus_one=True),
        *(Shape(name, 2) for name in ("sin", "log", "tanh", "arctan", "arcsin", "arccos", "tan")),
    ),
)
"""The simplest first: the others are tried where none of those is exact."""
POWERS = (1.0, -1.0, 2.0, -2.0, 0.5, -0.5)
"""Of a product, in which its function is taken."""
CHUNK = 4_096
OF_SUMS = ("tanh", "arctan", "log", "arcsin", "arccos", "tan")
PAIRS = 20
"""Of products in a sum, at most, those of few columns first."""


@dataclass(frozen=True)
class FittedShape:
    """A shape with parameters, and its power.

    Args:
        shape: the function.
        inner: exponents of its inner terms, ``(terms, columns)``.
        parameters: ``(shape.size,)``.
        power: of the shape in the law.
        error: squared, as a share of what products of powers leave of the target's logarithm.
    """

    shape: Shape
    inner: FloatArray
    parameters: FloatArray
    power: float
    error: float

    @property
    def order(self) -> tuple[float, float, float]:
        """The better, the smaller: exact ones first, of them the simplest."""
        simple = abs(self.power - 1) if self.shape.function != "identity" else 0.0
        return max(self.error, SOLVED), simple + np.abs(self.inner).sum(), self.error

    def parts(self) -> list[tuple[Shape, FloatArray, FloatArray, float]]:
        """Its functions one by one, for ``of_shapes``."""
        if not self.shape.second:
            return [(self.shape, self.inner, self.parameters, self.power)]
        names = enumerate((self.shape.function, self.shape.second))
        return [(Shape(name, 1), self.inner[[place]], self.parameters[[place]], self.power) for place, name in names]


def directions(inputs: FloatArray, largest: int = 4) -> FloatArray:
    """Products that are no powers of one another, of up to so many columns: ``(products, columns)``."""
    grids = {1: (1.0,), 2: (-2.0, -1.0, 1.0, 2.0), 3: (-2.0, -1.0, 1.0, 2.0), 4: (-1.0, 1.0)}
    rows = exponent_rows(inputs.shape[1], largest, grids)
    rows = many_valued_products(rows, inputs)
    return up_to_scale(rows[(np.abs(rows) == 2).sum(1) <= 1])


def smooth_errors(table: LogTable, exponents: FloatArray, deadline: Deadline = NO_DEADLINE) -> FloatArray:
    """What a smooth function of each product leaves of the goal, as a share of its square: ``(products,)``."""
    signed = (exponents[:, both_signs(table.inputs)] % 2 != 0).any(1)
    errors = np.full(len(exponents), np.inf)
    for is_signed in (False, True):
        for chunk in np.array_split(places := np.flatnonzero(signed == is_signed), 1 + len(places) // CHUNK):
            deadline.check()
            if len(chunk):
                index = table.products(exponents[chunk])
                errors[chunk] = _smooth_errors(
                    table, index if is_signed else np.log(np.abs(index)), 1 + (not is_signed)
                )
    return errors


def _smooth_errors(table: LogTable, index: FloatArray, first: int) -> FloatArray:
    low, high = index.min(1, keepdims=True), index.max(1, keepdims=True)
    sound = np.isfinite(index).all(1) & (high > low)[:, 0]
    with np.errstate(all="ignore"):
        scaled = np.where(sound[:, None], 2 * (index - low) / (high - low) - 1, 0.0)
    values = chebvander(scaled, DEGREE)[:, :, first:] * table.weights[:, None]
    values = values - table.basis @ (table.basis.T @ values)
    size = np.linalg.norm(values, axis=1, keepdims=True)
    values = values / np.maximum(size, 1e-12)
    gram, right = values.transpose(0, 2, 1) @ values, np.einsum("brk,r->bk", values, table.goal)
    answer = np.linalg.solve(gram + 1e-9 * np.eye(gram.shape[1]), right[:, :, None])[:, :, 0]
    rest = table.goal - np.einsum("brk,bk->br", values, answer)
    return np.where(sound, (rest**2).sum(1) / max(float(table.goal @ table.goal), 1e-300), np.inf)


def scan_products(
    table: LogTable,
    functions: Sequence[str],
    deadline: Deadline = NO_DEADLINE,
    *,
    most: int = sum(SCREENED),
    outstanding: bool = False,
) -> Iterator[list[FittedShape]]:
    """Functions of one product, those of some products at a time, the most promising products first.

    Args:
        table: the rows.
        functions: names of those that are tried beside powers.
        deadline: checked before every step.
        most: products, at most.
        outstanding: only those of which a smooth function leaves little, or much less than of any other.
    """
    exponents = directions(table.inputs)
    errors = smooth_errors(table, exponents, deadline)
    order = best(errors, most)
    if outstanding and len(order) > 1:
        order = order[errors[order] <= max(PROMISING, OUTSTANDING * errors[order[1]])]
    for count in SCREENED:
        taken, order = exponents[order[:count]], order[count:]
        for shapes in SHAPES:
            found = []
            for shape in shapes:
                if len(taken) and shape.function in (*functions, "identity"):
                    found += fitted(table, shape, _inner(table, taken, shape), deadline)
            yield found


def scan_sums(
    table: LogTable, functions: Sequence[str], deadline: Deadline = NO_DEADLINE
) -> Iterator[list[FittedShape]]:
    """Functions of a sum of two products, each of one column or two; waves aside, which have a scan of their own."""
    inner = disjoint_pairs(table.inputs)
    for name in OF_SUMS:
        if name in functions and inner:
            yield fitted(table, Shape(name, 2), inner, deadline)


def disjoint_pairs(inputs: FloatArray) -> list[FloatArray]:
    """Exponents of pairs of products, each of one column or two, without one in common; those of few columns first."""
    rows = exponent_rows(inputs.shape[1], 2, {1: (1.0,), 2: (1.0,)})
    rows = many_valued_products(rows, inputs)
    pairs = [np.array(pair) for pair in combinations(rows, 2) if not (pair[0] * pair[1]).any()]
    return sorted(pairs, key=lambda pair: float(pair.sum()))[:PAIRS]


def _inner(table: LogTable, products: FloatArray, shape: Shape) -> list[FloatArray]:
    """Exponents of inner terms: powers of each product, and 1 where the shape has two."""
    signed = both_signs(table.inputs)
    return [
        np.array([row * power, 0 * row])[: shape.terms]
        for row in products
        for power in POWERS
        if (row * power % 1 == 0)[signed].all() and (power > 0 or shape.function != "identity")
    ]


def fitted(
    table: LogTable, shape: Shape, inner: list[FloatArray], deadline: Deadline = NO_DEADLINE
) -> list[FittedShape]:
    """The best of one shape with these inner terms, the best first."""
    terms, parameters, sets = [], [], []
    for place, exponents in enumerate(inner):
        values = table.products(exponents)
        if np.isfinite(values).all() and values.any():
            start = starts(shape, values)
            parameters.append(start)
            terms.append(np.broadcast_to(values, (len(start), *values.shape)))
            sets += [place] * len(start)
    if not terms:
        return []
    deadline.check()
    stacked, start = np.concatenate(terms), np.concatenate(parameters)
    at_start = refine(_weighted(table, shape, stacked), start, table.basis, table.goal, steps=0)
    chosen = _best_of_each(at_start.errors, np.array(sets))
    if not len(chosen):
        return []
    refined = refine(_weighted(table, shape, stacked[chosen]), start[chosen], table.basis, table.goal, FIRST_STEPS)
    likely = best(refined.errors, LIKELY)
    chosen, start = chosen[likely], refined.parameters[likely]
    refined = refine(_weighted(table, shape, stacked[chosen]), start, table.basis, table.goal)
    if shape.function in PERIODIC and len(likely) and SOLVED < refined.errors.min() < NEAR:
        refined = _in_the_target(table, shape, stacked[chosen], refined, deadline)
    order = best(refined.errors, 3)
    return [
        FittedShape(
            shape, inner[sets[chosen[i]]], refined.parameters[i], float(refined.factors[i]), float(refined.errors[i])
        )
        for i in order
    ]


def _in_the_target(table: LogTable, shape: Shape, inner: FloatArray, found: Refined, deadline: Deadline) -> Refined:
    """Waves fitted to the target itself first, and then to its logarithm."""
    pairs = zip(inner, found.parameters, found.factors.tolist(), strict=True)
    start = np.array([fitted_wave(table, shape, terms, near, power, deadline) for terms, near, power in pairs])
    return refine(_weighted(table, shape, inner), start, table.basis, table.goal)


def _best_of_each(errors: FloatArray, sets: IntArray) -> IntArray:
    """Places of the least errors of every set."""
    order = np.lexsort((errors, sets))
    first = np.searchsorted(sets[order], sets[order])
    kept = order[np.arange(len(order)) - first < FITTED]
    return np.asarray(kept[np.isfinite(errors[kept])])


def _weighted(table: LogTable, shape: Shape, inner: FloatArray) -> Callable[[FloatArray], FloatArray]:
    return lambda parameters: shape.logs(inner, parameters) * table.weights
