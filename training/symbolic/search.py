"""Finds the law of a table, or says that there is none: the simplest candidate that leaves nothing to be learned."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np

from models.arrays import FloatArray
from training.symbolic.acceptance import UNDECIDED, rejection_reason
from training.symbolic.candidate import Candidate, description_length
from training.symbolic.constants import fit_constants
from training.symbolic.linear import linear_candidates
from training.symbolic.monomial import monomial_candidates
from training.symbolic.rational import rational_candidates
from training.symbolic.residuals import learnable_share
from training.symbolic.two_factor import two_factor_candidates

ROUNDS = 8
"""Rounds over all forms of sums and quotients of products, at most."""
HOPELESS = 0.4
"""Share of the target that can be learned without a law, below which one round is enough."""


@dataclass(frozen=True)
class SearchResult:
    """The best candidate for the law of a table.

    Args:
        candidate: what fits best.
        reason: why it is no law, a sentence; None if it is one.
    """

    candidate: Candidate
    reason: str | None


@np.errstate(all="ignore")
def search(
    inputs: FloatArray,
    target: FloatArray,
    *,
    seed: int = 0,
    rounds: int = ROUNDS,
    seconds: float = math.inf,
    progress: Callable[[str], None] = lambda _: None,
) -> SearchResult:
    """Try products, sums, quotients and products of sums, then sums of products and their quotients.

    The search ends with the first kind whose best candidate is a law; of candidates of equal worth the one that takes
    fewest numbers to write counts as better (``description_length``). Only these rows decide.

    Args:
        inputs: ``(rows, columns)``, finite.
        target: ``(rows,)``, finite, not the same in every row.
        seed: of start values.
        rounds: over all forms of sums and quotients of products, at most; 0 tries products and plain sums only.
        seconds: time after which nothing new is started. A search that it ends may find another thing next time.
        progress: told what is tried.
    """
    begun = monotonic()
    best: Candidate | None = None
    least = math.inf
    reason: str | None = UNDECIDED
    for stage in _stages(inputs, target, rounds, np.random.default_rng(seed)):
        progress(stage.kind)
        for fitted in (better for candidate in stage.candidates for better in fit_constants(candidate, inputs, target)):
            length = description_length(fitted.predict(inputs), target, fitted.complexity)
            if length < least:
                best, least, reason = fitted, length, UNDECIDED
        if best is None:
            continue
        if reason == UNDECIDED:
            reason = rejection_reason(best, inputs, target, noise=not stage.more_at_once)
        if reason is None or monotonic() - begun > seconds:
            break
    if best is None:
        raise ValueError("no candidate gives finite numbers on every row.")
    if reason == UNDECIDED:
        reason = rejection_reason(best, inputs, target)
    return SearchResult(best, reason)


@dataclass(frozen=True)
class _Stage:
    """Some candidates; ``more_at_once`` tells that the next ones cost so little that noise is not judged before."""

    kind: str
    candidates: list[Candidate]
    more_at_once: bool


def _stages(inputs: FloatArray, target: FloatArray, rounds: int, random: np.random.Generator) -> Iterator[_Stage]:
    simple = [*monomial_candidates(inputs, target), *linear_candidates(inputs, target), _mean(inputs, target)]
    yield _Stage("products and sums", simple, more_at_once=rounds > 0)
    if rounds > 0:
        for candidates, last in two_factor_candidates(inputs, target, random):
            yield _Stage("two sums", candidates, more_at_once=not last)
    for done in range(rounds):
        if done == 1 and learnable_share(inputs, target) < HOPELESS:
            return
        for candidate in rational_candidates(inputs, target, random):
            yield _Stage(f"sums of products, round {done + 1} of {rounds}", [candidate], more_at_once=False)


def _mean(inputs: FloatArray, target: FloatArray) -> Candidate:
    """One number for all rows: what is left where nothing else can be fitted."""
    nothing = np.zeros((1, inputs.shape[1]))
    return Candidate(nothing, nothing + 1, np.array([target.mean()]), np.zeros(1, dtype=np.int64), np.ones(1))
