"""The search over all kinds of candidates: the simplest one that leaves nothing to be learned is the law."""

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
MIN_SHARE_FOR_ROUNDS = 0.4
"""Share of the target that can be learned without a law, below which one round is enough."""


@dataclass(frozen=True)
class SearchResult:
    """The best candidate for the law of a table.

    Args:
        candidate: that of the shortest description.
        reason: why it is rejected as a law, one clause; None if it is accepted.
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

    The search ends with the first kind whose best candidate is a law. Of equally good fits the one that takes fewest
    numbers to write is better (``description_length``). Only these rows decide.

    Args:
        inputs: ``(rows, columns)``, finite.
        target: ``(rows,)``, finite.
        seed: of start values.
        rounds: over all forms of sums and quotients of products, at most; 0 tries products and linear sums only.
        seconds: time after which nothing new is started. A search that it ends may differ from run to run.
        progress: called with the kind of candidates that is tried next.

    Raises:
        ValueError: no candidate gives finite numbers.
    """
    if len(target) > 1 and np.ptp(target) == 0:
        return _of_one_value(inputs, target)
    begun, best = monotonic(), _Best(inputs, target)
    for stage in _stages(inputs, target, rounds, np.random.default_rng(seed)):
        progress(stage.kind)
        best.offer(stage.candidates)
        if best.candidate is None:
            continue
        best.decide(noise=not stage.more_at_once)
        if best.reason is None or monotonic() - begun > seconds:
            break
    if best.candidate is None:
        raise ValueError("no candidate gives finite numbers on every row.")
    best.decide(noise=True)
    return SearchResult(best.candidate, best.reason)


@dataclass
class _Best:
    """The candidate of the shortest description so far, and why it is rejected: ``UNDECIDED`` until asked."""

    inputs: FloatArray
    target: FloatArray
    candidate: Candidate | None = None
    length: float = math.inf
    reason: str | None = UNDECIDED

    def offer(self, candidates: list[Candidate]) -> None:
        """Fit the constants of candidates, and keep the best."""
        for candidate in candidates:
            for fitted in fit_constants(candidate, self.inputs, self.target):
                length = description_length(fitted.predict(self.inputs), self.target, fitted.complexity)
                if length < self.length:
                    self.candidate, self.length, self.reason = fitted, length, UNDECIDED

    def decide(self, *, noise: bool) -> None:
        """Accept or reject the candidate, unless that is decided; without ``noise``, accept exact fits only."""
        if self.candidate is not None and self.reason == UNDECIDED:
            self.reason = rejection_reason(self.candidate, self.inputs, self.target, noise=noise)


@dataclass(frozen=True)
class _Stage:
    """Some candidates; with ``more_at_once`` the next ones cost so little that noise is decided on after them."""

    kind: str
    candidates: list[Candidate]
    more_at_once: bool


def _stages(inputs: FloatArray, target: FloatArray, rounds: int, random: np.random.Generator) -> Iterator[_Stage]:
    simple = [
        *monomial_candidates(inputs, target),
        *linear_candidates(inputs, target),
        _constant(inputs, target.mean()),
    ]
    yield _Stage("products and sums", simple, more_at_once=rounds > 0)
    if rounds > 0:
        for candidates, last in two_factor_candidates(inputs, target, random):
            yield _Stage("two sums", candidates, more_at_once=not last)
    for done in range(rounds):
        if done == 1 and learnable_share(inputs, target) < MIN_SHARE_FOR_ROUNDS:
            return
        for candidate in rational_candidates(inputs, target, random):
            yield _Stage(f"sums of products, round {done + 1} of {rounds}", [candidate], more_at_once=False)


def _of_one_value(inputs: FloatArray, target: FloatArray) -> SearchResult:
    """The result for a target of one value, that value; of a target of 0 there is nothing to compare candidates by."""
    constant = _constant(inputs, target[0])
    return SearchResult(constant, rejection_reason(constant, inputs, target))


def _constant(inputs: FloatArray, value: float) -> Candidate:
    """One number for all rows, for a target of one value and where nothing else can be fitted."""
    zeros = np.zeros((1, inputs.shape[1]))
    return Candidate(zeros, zeros + 1, np.array([value]), np.zeros(1, dtype=np.int64), np.ones(1))
