"""Finds the law of a table, or says that there is none: the simplest candidate that leaves nothing to be learned."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from training.laws.candidate import Candidate, description_length, relative_error
from training.laws.constants import fit_constants
from training.laws.layers import layers
from training.laws.products import products
from training.laws.residuals import learnable, learnable_share
from training.laws.sums import sums
from training.laws.terms import terms

Numbers = NDArray[np.float64]

EXACT = 3e-7
"""Relative error that is taken for rounding, of targets in float32 too."""
MOST_UNEXPLAINED = 0.02
"""Share of the target's variance that a law may leave to noise."""
MOST_NOISE = 0.1
"""Relative size of the noise that a law may leave."""
ROUNDS = 8
"""Rounds over all forms of sums and quotients of products, at most."""
HOPELESS = 0.4
"""Share of the target that can be learned without a law, below which one round is enough."""
UNDECIDED = "undecided"
ROWS_PER_NUMBER = 20
"""Rows for each number of a law, at least, where there is noise."""


@dataclass(frozen=True)
class Found:
    """The best candidate for the law of a table.

    Args:
        candidate: what fits best.
        reason: why it is no law, a sentence; None if it is one.
    """

    candidate: Candidate
    reason: str | None


@np.errstate(all="ignore")
def search(
    inputs: Numbers,
    target: Numbers,
    *,
    seed: int = 0,
    rounds: int = ROUNDS,
    seconds: float = math.inf,
    progress: Callable[[str], None] = lambda _: None,
) -> Found:
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
    best: tuple[float, Candidate] | None = None
    reason: str | None = "no candidate gives finite numbers"
    for stage in _stages(inputs, target, rounds, np.random.default_rng(seed)):
        progress(stage.kind)
        improved = False
        fits = (better for candidate in stage.candidates for better in fit_constants(candidate, inputs, target))
        for fitted in fits:
            score = description_length(fitted.predict(inputs), target, fitted.complexity)
            if np.isfinite(score) and (best is None or score < best[0]):
                best, improved = (score, fitted), True
        if best is None:
            continue
        if improved:
            reason = why_no_law(best[1], inputs, target, noise=not stage.more_at_once)
        elif reason == UNDECIDED and not stage.more_at_once:
            reason = why_no_law(best[1], inputs, target)
        if reason is None or monotonic() - begun > seconds:
            break
    if best is None:
        raise ValueError("no candidate gives finite numbers on every row.")
    if reason == UNDECIDED:
        reason = why_no_law(best[1], inputs, target)
    return Found(best[1], reason)


@dataclass(frozen=True)
class _Stage:
    """Some candidates; ``more_at_once`` tells that the next ones cost so little that noise is not judged before."""

    kind: str
    candidates: list[Candidate]
    more_at_once: bool


def _stages(inputs: Numbers, target: Numbers, rounds: int, random: np.random.Generator) -> Iterator[_Stage]:
    simple = [*products(inputs, target), *sums(inputs, target), _mean(inputs, target)]
    yield _Stage("products and sums", simple, more_at_once=rounds > 0)
    if rounds > 0:
        for candidates, last in layers(inputs, target, random):
            yield _Stage("two sums", candidates, more_at_once=not last)
    for done in range(rounds):
        if done == 1 and learnable_share(inputs, target) < HOPELESS:
            return
        for candidates in terms(inputs, target, random):
            yield _Stage(f"sums of products, round {done + 1} of {rounds}", candidates, more_at_once=False)


def _mean(inputs: Numbers, target: Numbers) -> Candidate:
    """One number for all rows: what is left where nothing else can be fitted."""
    nothing = np.zeros((1, inputs.shape[1]))
    return Candidate(nothing, nothing + 1, np.array([target.mean()]), np.zeros(1, dtype=np.int64), np.ones(1))


def why_no_law(candidate: Candidate, inputs: Numbers, target: Numbers, *, noise: bool = True) -> str | None:
    """Why a candidate is no law of these rows; None if it is one. Without ``noise``, ``UNDECIDED`` unless it is exact.

    A law either fits to rounding, or leaves noise: little of it, nothing in it that can be learned from the inputs,
    and no more of it on the outermost rows than on the others. Rows that repeat others prove nothing.
    """
    once = np.sort(np.unique(np.column_stack([inputs, target]), axis=0, return_index=True)[1])
    inputs, target = inputs[once], target[once]
    answer, rows, points = candidate.predict(inputs), len(target), len(np.unique(inputs, axis=0))
    if not np.isfinite(answer).all():
        return "the best candidate does not give finite numbers on every row"
    error = relative_error(answer, target)
    with np.errstate(all="ignore"):
        proportion = np.abs(answer - target) / np.maximum(np.abs(target), 1e-300)
    if error <= EXACT and np.median(proportion) <= EXACT:
        return _too_few(points, candidate)
    if not noise:
        return UNDECIDED
    if rows < ROWS_PER_NUMBER * candidate.complexity:
        return f"{rows} different rows are too few to tell a law from noise"
    unexplained = float(np.mean((answer - target) ** 2) / np.var(target))
    if min(unexplained, _unexplained_logarithm(answer, target)) > MOST_UNEXPLAINED:
        return f"the best candidate leaves {unexplained:.0%} of the target's variance unexplained"
    off = min(float(np.median(proportion)) * 1.48, error)
    if off > MOST_NOISE:
        return f"the best candidate is off by {off:.0%}"
    if np.abs(candidate.exponents * 12 - np.round(candidate.exponents * 12)).max() > 1e-9:
        return "the exponents that fit are no simple fractions"
    in_proportion = (answer - target) / np.maximum(np.abs(answer), 1e-300)
    if learnable(inputs, answer - target) or learnable(inputs, in_proportion):
        return "what the best candidate leaves over is no noise: it can be learned from the columns"
    if _grows_outwards(inputs, in_proportion) and _grows_outwards(inputs, answer - target):
        return "the best candidate is worse on the outermost rows than on the others"
    return _too_few(points, candidate)


def _too_few(points: int, candidate: Candidate) -> str | None:
    enough = points >= 2 * candidate.complexity + 2
    return None if enough else f"{points} different rows are too few to tell a law from chance"


def _unexplained_logarithm(answer: Numbers, target: Numbers) -> float:
    if not (answer * target > 0).all():
        return np.inf
    logs, goal = np.log(np.abs(answer)), np.log(np.abs(target))
    return float(np.mean((logs - goal) ** 2) / max(np.var(goal), 1e-300))


def _grows_outwards(inputs: Numbers, residuals: Numbers) -> bool:
    spread = np.ptp(inputs, axis=0)
    distance = (np.abs(inputs - np.median(inputs, 0)) / np.where(spread > 0, spread, 1.0)).max(1)
    outer = distance > np.quantile(distance, 0.8)
    inside, outside = (np.mean(np.abs(residuals[part])) for part in (~outer, outer))
    return bool(outside > 3 * inside)
