"""Quotients of sums of products of whole powers that hold exactly, with any number of columns that do not matter."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate, different_rows, signs_of
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.quotients.relation import Relation, find_relation
from training.symbolic.quotients.whole_powers import Limits, count_whole_powers, products, whole_powers
from training.symbolic.search_space import ANY_LAW, SearchSpace

MAX_ROWS = 1_200
FEW_TERMS, MANY_TERMS = 200, 900
"""Terms, at most, of a system that takes no time, and of one that takes a third of a second."""
FILLED = 0.9
"""Terms of a system for each of its rows, at most."""
LEADS = (0, 1, -1, 2, -2, 3)
"""How much higher the degree of the numerator is than that of the denominator."""
MAX_DEGREE = 8
SPARSE = (
    (Limits(4, 2, 3), Limits(4, 2, 2)),
    (Limits(6, 3, 2), Limits(2, 2, 1)),
    (Limits(6, 3, 2), Limits(4, 2, 2)),
    (Limits(6, 3, 2), Limits(6, 3, 2)),
    (Limits(6, 3, 3), Limits(4, 2, 2)),
    (Limits(9, 3, 3), Limits(4, 2, 2)),
    (Limits(6, 3, 3), Limits(6, 3, 2)),
    (Limits(9, 3, 3), Limits(6, 3, 2)),
)
"""Numerator and denominator where a product is of few columns, with higher powers."""


@dataclass(frozen=True)
class _System:
    """What numerator and denominator may hold, and how many terms that are."""

    above: Limits
    below: Limits
    lead: int
    terms: int


def quick_quotients(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
) -> Iterator[Candidate]:
    """Candidates of low degree of all columns, and roots of such; in a few hundredths of a second.

    Args:
        inputs: ``(rows, columns)``.
        target: ``(rows,)``.
        random: draws rows from longer tables.
        deadline: checked before every step.
        space: limits the powers.
    """
    x, y = _some_rows(inputs, target, random)
    for power in (1, 2) if (y > 0).all() else (1,):
        for system in _systems(x.shape[1], min(FEW_TERMS, int(FILLED * len(y)))):
            deadline.check()
            candidate = _candidate(x, y**power, system, space)
            if candidate is not None:
                yield _root(candidate, power)
                break


def exact_quotients(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
) -> Iterator[Candidate]:
    """Candidates of as high a degree as rows and time allow; the fewer columns, the higher. See ``quick_quotients``."""
    x, y = _some_rows(inputs, target, random)
    for system in _systems(x.shape[1], min(MANY_TERMS, int(FILLED * len(y)))):
        deadline.check()
        candidate = _candidate(x, y, system, space)
        if candidate is not None:
            yield candidate


def _some_rows(inputs: FloatArray, target: FloatArray, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    rows = random.permutation(different_rows(inputs, target))[:MAX_ROWS]
    return inputs[rows], target[rows]


def _systems(columns: int, most: int) -> list[_System]:
    """Those of so many columns and no more terms than that, the smallest first."""
    found = []
    for lead in LEADS:
        for degree in range(1, MAX_DEGREE + 1):
            lower = degree - lead
            if 0 <= lower <= MAX_DEGREE:
                found.append((Limits(degree, degree, degree), Limits(lower, lower, lower), lead))
    found += [(above, below, 0) for above, below in SPARSE if columns > 2]
    systems = (_System(above, below, lead, _count(columns, above, below)) for above, below, lead in found)
    return sorted((system for system in systems if system.terms <= most), key=lambda system: system.terms)


def _count(columns: int, above: Limits, below: Limits) -> int:
    return count_whole_powers(columns, above) + count_whole_powers(columns, below)


def _candidate(inputs: FloatArray, target: FloatArray, system: _System, space: SearchSpace) -> Candidate | None:
    highest = np.maximum(1, (_levels(inputs) - 2) // 2)
    allowed = [0, *space.of_powers(tuple(map(float, range(1, MAX_DEGREE + 1))))]
    above, below = (
        exponents[(exponents <= highest).all(1) & np.isin(exponents, allowed).all(1)]
        for exponents in (whole_powers(inputs.shape[1], limits) for limits in (system.above, system.below))
    )
    relation = find_relation(inputs, target, above, below, system.lead)
    return None if relation is None else _quotient(relation, inputs)


def _levels(inputs: FloatArray) -> IntArray:
    return np.array([len(np.unique(column)) for column in inputs.T])


def _quotient(relation: Relation, inputs: FloatArray) -> Candidate:
    """A candidate with a denominator that is mostly positive; one of one term becomes part of the numerator's."""
    above, below = relation.above.astype(np.float64), relation.below.astype(np.float64)
    sign = np.sign(np.median(products(inputs, relation.below) @ relation.below_constants)) or 1.0
    constants, below_constants = sign * relation.above_constants, sign * relation.below_constants
    if len(below) == 1:
        exponents, powers = above - below, np.ones(1)
        constants = constants / below_constants
        sum_index = np.zeros(len(above), dtype=np.int64)
    else:
        exponents, powers = np.concatenate([above, below]), np.array([1.0, -1.0])
        constants = np.append(constants, below_constants)
        sum_index = np.repeat([0, 1], [len(above), len(below)])
    return Candidate(exponents, signs_of(exponents, inputs), constants, sum_index, powers)


def _root(candidate: Candidate, power: int) -> Candidate:
    """Of a candidate for a power of the target, that for the target."""
    return replace(candidate, sum_exponents=candidate.sum_exponents / power)
