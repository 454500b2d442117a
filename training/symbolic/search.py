"""The search over all kinds of candidates: the simplest one that leaves nothing to be learned is the law."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from threadpoolctl import threadpool_limits

from models.arrays import FloatArray, IntArray
from training.symbolic.acceptance import rejection_reason
from training.symbolic.best_candidate import BestCandidate
from training.symbolic.candidate import Candidate
from training.symbolic.deadline import NO_DEADLINE, Deadline, DeadlineError
from training.symbolic.dimensionless.stages import dimensional_stages
from training.symbolic.rivals.rivals import Rival
from training.symbolic.search_space import ANY_LAW, SearchSpace
from training.symbolic.stages import SIMPLE, Stage, constant_candidate, stages
from training.symbolic.wide_stages import wide_stages

ROUNDS = 8
"""Rounds over all forms of sums and quotients of products, at most."""
SEARCH_SHARE = 0.8
"""Share of the time for candidates; the rest is for the decision on the best one."""
MIN_SECONDS = 0.3
"""Time that products and sums of columns get in any case."""
NARROW = 16
"""Columns that are searched all together, at most; of more, screens choose some."""
HELD_OUT = 4
"""Of a wide table's rows, one of so many is looked at by no screen and no fit, only by the decision."""
NOT_DECIDED = "the best candidate is not yet told apart from noise"


@dataclass(frozen=True)
class SearchResult:
    """The best candidate for the law of a table.

    Args:
        candidate: that of the shortest description.
        reason: why it is rejected as a law, one clause; None if it is accepted.
        stopped_at: the kind of candidates at which the time was up; None if it was enough.
        remark: one sentence on the units of its numbers; None where units are not known.
        front: the best candidates of each complexity, with their relative RMSE; the first is the least complex.
        rivals: that explain the rows as well as the candidate, where it is rejected for that; else empty.
    """

    candidate: Candidate
    reason: str | None
    stopped_at: str | None = None
    remark: str | None = None
    front: Sequence[tuple[Candidate, float]] = ()
    rivals: Sequence[Rival] = ()


@np.errstate(all="ignore")
def search(
    inputs: FloatArray,
    target: FloatArray,
    weights: FloatArray | None = None,
    *,
    space: SearchSpace = ANY_LAW,
    names: Sequence[str] | None = None,
    seed: int = 0,
    rounds: int = ROUNDS,
    deadline: Deadline = NO_DEADLINE,
    progress: Callable[[str], None] = lambda _: None,
    watch: Callable[[Candidate], None] = lambda _: None,
) -> SearchResult:
    """Try products, sums, quotients and products of sums, then sums of products and their quotients.

    The first kind whose best candidate is a law ends the search. Of more than ``NARROW`` columns, screens choose some.

    Args:
        inputs: ``(rows, columns)``, finite.
        target: ``(rows,)``, finite.
        weights: of the rows, their mean 1, ``(rows,)``; None: 1. Which sums of products are tried, all decide alike.
        space: the laws that may be tried.
        names: of the columns; None: ``x0``, ``x1`` and so on.
        seed: of start values.
        rounds: over all forms of sums and quotients, at most; 0 tries products and linear sums only.
        deadline: a search that it ends may differ from run to run.
        progress: called with the kind of candidates that is tried next.
        watch: called with the best candidate so far, whenever that is another.

    Raises:
        ValueError: no candidate gives finite numbers.
    """
    if len(target) > 1 and np.ptp(target) == 0:
        return _of_one_value(inputs, target)
    random, wide = np.random.default_rng(seed), inputs.shape[1] > NARROW
    best = BestCandidate(inputs, target, _some_rows(target, random) if wide else None, weights, space, names)
    stop = deadline.share(SEARCH_SHARE).no_earlier_than(MIN_SECONDS)
    kinds = _watched(_kinds(best, rounds, random, stop, space), best, watch)
    with threadpool_limits(1, user_api="blas"):  # thousands of small problems: threads only wait for one another
        return _result(best, _try(kinds, best, stop, deadline, progress))


def _result(best: BestCandidate, stopped_at: str | None) -> SearchResult:
    """The result of a search that ended at a kind of candidates, or at none."""
    law, why = best.candidate, best.reason
    return SearchResult(law, why, stopped_at if why else None, best.space.remark_on(law), best.front(), best.rivals)


def _kinds(
    best: BestCandidate, rounds: int, random: np.random.Generator, stop: Deadline, space: SearchSpace
) -> Iterator[Stage]:
    """All kinds of candidates, those in which units agree first."""
    of_rows = *best.seen(), rounds, random, stop, space
    agreeing = dimensional_stages(*of_rows, best.seen_weights, narrow=NARROW)
    wide = best.inputs.shape[1] > NARROW
    return chain(agreeing, wide_stages(*of_rows) if wide else stages(*of_rows, best.seen_weights))


def _try(
    kinds: Iterator[Stage], best: BestCandidate, stop: Deadline, end: Deadline, progress: Callable[[str], None]
) -> str | None:
    """Offer candidates until one is a law or the time is up; return the kind of candidates at which it was up."""
    tried, stopped_at = SIMPLE, None
    constant = constant_candidate(best.inputs[:, :1], best.target.mean())
    best.offer(Stage(SIMPLE, [constant], columns=np.zeros(1, dtype=np.int64)), NO_DEADLINE)
    try:
        for stage in kinds:
            if stage.kind != tried and best.is_table:
                break
            tried = stage.kind
            progress(tried)
            best.offer(stage, stop)
            best.decide(end, noise=not stage.more_at_once)
            if best.reason is None:
                return None
    except DeadlineError:
        stopped_at = tried
    if best.fitted is None:
        raise ValueError("no candidate gives finite numbers on every row.")
    try:
        best.decide(end, noise=True)
    except DeadlineError:
        stopped_at, best.reason = tried, NOT_DECIDED
    return stopped_at


def _watched(kinds: Iterator[Stage], best: BestCandidate, watch: Callable[[Candidate], None]) -> Iterator[Stage]:
    """The stages; after each, the best candidate is reported where it is another."""
    length = math.inf
    for stage in kinds:
        yield stage
        if best.length < length:
            length = best.length
            watch(best.candidate)


def _some_rows(target: FloatArray, random: np.random.Generator) -> IntArray:
    """Rows that screens and fits of a wide table look at; the others are left to the decision."""
    return np.sort(random.permutation(len(target))[len(target) // HELD_OUT :])


def _of_one_value(inputs: FloatArray, target: FloatArray) -> SearchResult:
    """The result for a target of one value, that value; of a target of 0 there is nothing to compare candidates by."""
    constant = constant_candidate(inputs, target[0])
    return SearchResult(constant, rejection_reason(constant, inputs, target))
