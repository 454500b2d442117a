"""The stages of a search: kinds of candidates, from simple to complex."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.linear import linear_candidates
from training.symbolic.monomial import monomial_candidates
from training.symbolic.rational import rational_candidates
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
    yield from two_sums(inputs, target, random, deadline)
    yield from functions(inputs, target, random, deadline, space)
    relevant = np.sort(relevant_columns(inputs, target, random, deadline).columns)
    views = view_candidates(inputs[:, relevant], target, space.functions, deadline)
    yield from of_columns(relevant, (Stage(FUNCTIONS, [each], more_at_once=True) for each in views))
    for done in range(rounds):
        if done == 1 and learnable_share(inputs, target, deadline=deadline) < MIN_SHARE_FOR_ROUNDS:
            return
        columns = relevant if done % 2 == 0 else np.arange(inputs.shape[1])
        title = f"round {done + 1} of {rounds}"
        found = sums_of_products(inputs[:, columns], target, random, title, deadline, space)
        yield from of_columns(columns, found)
        if done == 0:
            part = functions_in_sums(inputs[:, relevant], target, random.spawn(1)[0], deadline, space)
            yield from of_columns(relevant, (Stage(SUMS_WITH_FUNCTIONS, each, more_at_once=True) for each in part))


def simple_candidates(
    inputs: FloatArray, target: FloatArray, deadline: Deadline, weights: FloatArray | None = None
) -> Iterator[Candidate]:
    """One product, one sum."""
    yield from monomial_candidates(inputs, target, deadline, weights)
    yield from linear_candidates(inputs, target, deadline, weights)


def two_sums(
    inputs: FloatArray, target: FloatArray, random: np.random.Generator, deadline: Deadline
) -> Iterator[Stage]:
    """Products and quotients of two sums of columns."""
    yield Stage(TWO_SUMS, more_at_once=True)
    for candidates, last in two_factor_candidates(inputs, target, random, deadline):
        yield Stage(TWO_SUMS, candidates, more_at_once=not last)


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
    random: np.random.Generator,
    title: str,
    deadline: Deadline,
    space: SearchSpace,
) -> Iterator[Stage]:
    """Sums of products of powers, their quotients and roots: one stage a form."""
    kind = f"{SUMS_OF_PRODUCTS}, {title}"
    yield Stage(kind, more_at_once=True)
    for candidate in rational_candidates(inputs, target, random, deadline, space):
        yield Stage(kind, [candidate])


def of_columns(columns: IntArray, found: Iterator[Stage]) -> Iterator[Stage]:
    """Stages of a table of some columns, at their places in the whole one."""
    for stage in found:
        yield replace(stage, columns=columns)


def constant_candidate(inputs: FloatArray, value: float) -> Candidate:
    """One number for all rows, for a target of one value and where nothing else can be fitted."""
    zeros = np.zeros((1, inputs.shape[1]))
    return Candidate(zeros, zeros + 1, np.array([value]), np.zeros(1, dtype=np.int64), np.ones(1))
