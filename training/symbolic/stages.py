"""The stages of a search: kinds of candidates, from simple to complex."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.linear import linear_candidates
from training.symbolic.monomial import monomial_candidates
from training.symbolic.quotients.exact_quotients import exact_quotients, quick_quotients
from training.symbolic.quotients.short_quotients import short_quotients
from training.symbolic.rational import LONG_SUMS_AND_QUOTIENTS, SUMS, rational_candidates
from training.symbolic.residuals import learnable_share
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.surrogate import relevant_columns
from training.symbolic.two_factor import two_factor_candidates
from training.symbolic.unary.inverse_functions import view_candidates
from training.symbolic.unary.stages import functions_in_sums, functions_of_a_product

MIN_SHARE_FOR_ROUNDS = 0.4
"""Share of the target that can be learned without a law, below which one round is enough."""
SIMPLE = "products and sums"
TWO_SUMS = "two sums"
QUOTIENTS = "quotients"
SUMS_OF_PRODUCTS = "sums of products"
FUNCTIONS = "functions of products"
SUMS_WITH_FUNCTIONS = "sums with functions"


@dataclass(frozen=True)
class Stage:
    """Some candidates of one kind.

    Args:
        kind: as the progress bar names it.
        candidates: the candidates; none where a stage only says what is tried next.
        more_at_once: the next stage costs so little that noise is decided on after it.
        columns: places of the columns that they are made of; None: all.
    """

    kind: str
    candidates: Iterable[Candidate] = ()
    more_at_once: bool = False
    columns: IntArray | None = None


def stages(
    inputs: FloatArray,
    target: FloatArray,
    rounds: int,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
    weights: FloatArray | None = None,
) -> Iterator[Stage]:
    """All kinds of candidates, the complex ones of the columns that matter and of all columns in turn.

    Weights of the rows count for products and sums of columns alone.

    Raises:
        DeadlineError: it has passed.
    """
    yield Stage(SIMPLE, simple_candidates(inputs, target, deadline, weights), more_at_once=rounds > 0)
    if rounds == 0:
        return
    quick = quick_quotients(inputs, target, random, deadline, space)
    yield Stage(QUOTIENTS, quick, more_at_once=True)
    yield from two_sums(inputs, target, random, deadline)
    yield from functions(inputs, target, random, deadline, space)
    every, found = np.arange(inputs.shape[1]), relevant_columns(inputs, target, random, deadline)
    columns, likely = np.sort(found.columns), np.sort(found.likely)
    sets = [likely] if len(likely) == len(columns) else [likely, columns]
    views = view_candidates(inputs[:, columns], target, space.functions, deadline)
    yield from of_columns(columns, (Stage(FUNCTIONS, [each], more_at_once=True) for each in views))
    for done in range(rounds):
        if done == 1 and learnable_share(inputs, target, deadline=deadline) < MIN_SHARE_FOR_ROUNDS:
            return
        exact = quotients(inputs, target, sets if done == 0 else (), random, deadline, space)
        chosen, title = every if done % 2 else columns, f"round {done + 1} of {rounds}"
        yield from sums_of_products(inputs, target, chosen, exact, random, title, deadline, space)
        if done == 0:
            part = functions_in_sums(inputs[:, columns], target, random.spawn(1)[0], deadline, space)
            yield from of_columns(columns, (Stage(SUMS_WITH_FUNCTIONS, each, more_at_once=True) for each in part))


def simple_candidates(
    inputs: FloatArray, target: FloatArray, deadline: Deadline, weights: FloatArray | None = None
) -> Iterator[Candidate]:
    """One product, one sum."""
    yield from monomial_candidates(inputs, target, deadline, weights)
    yield from linear_candidates(inputs, target, deadline, weights)


def two_sums(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline,
    columns: IntArray | None = None,
) -> Iterator[Stage]:
    """Products and quotients of two sums of some columns, or of all."""
    yield Stage(TWO_SUMS, more_at_once=True)
    x = inputs if columns is None else inputs[:, columns]
    for candidates, last in two_factor_candidates(x, target, random, deadline):
        yield Stage(TWO_SUMS, candidates, more_at_once=not last, columns=columns)


def quotients(
    inputs: FloatArray,
    target: FloatArray,
    sets: Iterable[IntArray],
    random: np.random.Generator,
    deadline: Deadline,
    space: SearchSpace,
) -> Iterator[Stage]:
    """Quotients of whole powers of some sets of columns: those that hold without noise, then short ones in noise."""
    for columns in (sets := list(sets)):
        found = exact_quotients(inputs[:, columns], target, random, deadline, space)
        yield Stage(QUOTIENTS, found, more_at_once=True, columns=columns)
    for columns in sets:
        found = short_quotients(inputs[:, columns], target, deadline, space)
        yield Stage(QUOTIENTS, found, columns=columns)


def functions(
    inputs: FloatArray, target: FloatArray, random: np.random.Generator, deadline: Deadline, space: SearchSpace
) -> Iterator[Stage]:
    """Products of powers times a function of a product, such as an exponential."""
    yield Stage(FUNCTIONS, more_at_once=True)
    for candidates in functions_of_a_product(inputs, target, random.spawn(1)[0], deadline, space, outstanding=True):
        yield Stage(FUNCTIONS, candidates, more_at_once=True)


def sums_of_products(
    inputs: FloatArray,
    target: FloatArray,
    columns: IntArray,
    between: Iterable[Stage],
    random: np.random.Generator,
    title: str,
    deadline: Deadline,
    space: SearchSpace,
) -> Iterator[Stage]:
    """Sums of products of powers of some columns, others between, their quotients and roots: one stage a form."""
    kind, x = f"{SUMS_OF_PRODUCTS}, {title}", inputs[:, columns]
    yield Stage(kind, more_at_once=True)
    for candidate in rational_candidates(x, target, random, deadline, space, SUMS):
        yield Stage(kind, [candidate], columns=columns)
    yield from between
    for candidate in rational_candidates(x, target, random, deadline, space, LONG_SUMS_AND_QUOTIENTS):
        yield Stage(kind, [candidate], columns=columns)


def of_columns(columns: IntArray, found: Iterator[Stage]) -> Iterator[Stage]:
    """Stages of a table of some columns, at their places in the whole one."""
    for stage in found:
        yield replace(stage, columns=columns)


def constant_candidate(inputs: FloatArray, value: float) -> Candidate:
    """One number for all rows, for a target of one value and where nothing else can be fitted."""
    zeros = np.zeros((1, inputs.shape[1]))
    return Candidate(zeros, zeros + 1, np.array([value]), np.zeros(1, dtype=np.int64), np.ones(1))
