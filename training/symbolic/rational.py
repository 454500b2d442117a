"""Rational candidates: sums of products of powers, their quotients and their powers, by exchanging terms."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.candidate import Candidate, different_rows, signs_of
from training.symbolic.deadline import NO_DEADLINE, Deadline
from training.symbolic.dictionary import Dictionary
from training.symbolic.monomial import MAX_ZERO_SHARE
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.subset_least_squares import least_squares
from training.symbolic.term_exchange import exchange_terms

SOLVED_ERROR = 1e-5
"""Relative error, in the float32 of the search, at which it has found the terms."""
ROWS_PER_TERM = 12
SEARCH_ROWS = 400
"""Rows that the search sees, at most, drawn at random; the constants are fitted to all."""


@dataclass(frozen=True)
class Form:
    """Numbers of terms in numerator and denominator, the exponent of the whole, and the weighting of rows.

    Rows count with ``|y| ** -weight``.
    """

    numerator: int
    denominator: int = 0
    exponent: float = 1.0
    weight: float = 0.5


SUMS = (
    *(Form(2, weight=weight) for weight in (0.5, 1.0)),
    *(Form(3, weight=weight) for weight in (0.5, 1.0, 0.0)),
    Form(2, exponent=0.5),
    Form(2, exponent=2.0),
)
"""Short sums, and powers of them, the simplest first."""
LONG_SUMS_AND_QUOTIENTS = (
    Form(1, 2, weight=1.0),
    Form(2, 2, weight=1.0),
    Form(3, exponent=0.5),
    Form(3, exponent=-0.5),
    Form(4),
    Form(2, 2, weight=0.5),
    Form(1, 3, weight=1.0),
    Form(2, 3, weight=1.0),
    Form(3, 2, weight=1.0),
)
"""Quotients and longer sums, the simplest first."""


def rational_candidates(
    inputs: FloatArray,
    target: FloatArray,
    random: np.random.Generator,
    deadline: Deadline = NO_DEADLINE,
    space: SearchSpace = ANY_LAW,
    forms: Sequence[Form] = (*SUMS, *LONG_SUMS_AND_QUOTIENTS),
) -> Iterator[Candidate]:
    """Candidates with constants still to be fitted: the best of one run of the search for each form.

    Args:
        inputs: ``(rows, columns)``; a row that repeats another is left out, and one with a zero where zeros are rare.
        target: ``(rows,)``.
        random: for start values.
        deadline: checked before every step.
        space: limits numbers of terms, and their powers.
        forms: those that are tried.
    """
    once = different_rows(inputs, target)
    rare = (inputs == 0).mean(0) < MAX_ZERO_SHARE
    usable = once[(inputs[once][:, rare] != 0).all(1) & (target[once] != 0)]
    if len(usable) < 2 * ROWS_PER_TERM:
        return
    rows = random.permutation(usable)[:SEARCH_ROWS]
    x, y = inputs[rows], target[rows]
    dictionary = Dictionary.of(x, space=space)
    for form in forms:
        if not space.has_terms(form.numerator, form.denominator):
            continue
        if len(rows) < ROWS_PER_TERM * (form.numerator + form.denominator) or (form.exponent != 1 and (y <= 0).any()):
            continue
        choice = _search(form, dictionary, y, random, deadline)
        if choice is not None:
            yield _candidate(form, choice, dictionary, x, y)


def _search(
    form: Form, dictionary: Dictionary, target: FloatArray, random: np.random.Generator, deadline: Deadline
) -> IntArray | None:
    """The terms of least error; None where no error is finite, as numbers are too large."""
    least, found = np.inf, None
    goal = target ** (1 / form.exponent)
    sweeps = exchange_terms(
        dictionary,
        goal,
        random,
        numerator=form.numerator,
        denominator=form.denominator,
        weight=form.weight,
        deadline=deadline,
    )
    for error, choice in sweeps:
        if error < least:
            least, found = error, choice
        if least < SOLVED_ERROR:
            break
    return found


def _candidate(
    form: Form, choice: IntArray, dictionary: Dictionary, inputs: FloatArray, target: FloatArray
) -> Candidate:
    exponents = dictionary.exponents[choice]
    sum_index = (np.arange(len(choice)) >= form.numerator).astype(np.int64)
    powers = np.array([1.0, -1.0]) if form.denominator else np.ones(1)
    candidate = _with_ones(simplest(exponents) if form.denominator else exponents, sum_index, powers, inputs)
    columns = candidate.terms(inputs)
    if not np.isfinite(columns).all():  # the shorter form divides by a zero
        candidate = _with_ones(exponents, sum_index, powers, inputs)
        columns = candidate.terms(inputs)
    goal = target ** (1 / form.exponent)
    size = np.sqrt(np.mean(columns**2, 0))
    if form.denominator:
        linear = columns / size * np.where(sum_index, -goal[:, None], 1.0) / np.abs(goal[:, None])
        constants = np.linalg.svd(linear, full_matrices=False)[2][-1] / size
    else:
        weights = np.abs(goal) ** -form.weight
        scaled = columns / size * weights[:, None]
        constants = least_squares(scaled, goal * weights) / size
    return replace(candidate, constants=constants, sum_exponents=powers * form.exponent)


def _with_ones(exponents: FloatArray, sum_index: IntArray, sum_exponents: FloatArray, inputs: FloatArray) -> Candidate:
    return Candidate(exponents, signs_of(exponents, inputs), np.ones(len(sum_index)), sum_index, sum_exponents)


def simplest(exponents: FloatArray) -> FloatArray:
    """The same quotient with numerator and denominator multiplied by the term that makes it shortest to write."""
    shifted = exponents.copy()
    for column in range(exponents.shape[1]):
        trials = [exponents[:, column] - shift for shift in {0.0, *exponents[:, column]}]
        shifted[:, column] = min(
            trials, key=lambda w: (np.sum(w != np.round(w)), np.sum(w < 0), np.count_nonzero(w), np.abs(w).sum())
        )
    return shifted
