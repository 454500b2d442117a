"""The time limit: a clock that the test moves, so that nothing depends on how fast a machine is."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from time import monotonic, process_time
from typing import Any

import numpy as np
import pytest

from training.symbolic import find_law
from training.symbolic.acceptance import rejection_reason
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.constants import fit_constants
from training.symbolic.deadline import NO_DEADLINE, Deadline, DeadlineError
from training.symbolic.dictionary import Dictionary
from training.symbolic.forward_selection import forward_selection
from training.symbolic.linear import linear_candidates
from training.symbolic.monomial import monomial_candidates
from training.symbolic.outliers import find_outliers
from training.symbolic.rational import rational_candidates
from training.symbolic.residuals import learnable_share
from training.symbolic.screening import screened_columns
from training.symbolic.search import search
from training.symbolic.term_exchange import exchange_terms
from training.symbolic.two_factor import two_factor_candidates
from training.symbolic.wide_stages import wide_stages

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(1, 9, (120, 4))
NOISE = RANDOM.normal(size=120)
WIDE = RANDOM.uniform(1, 9, (120, 400))


@dataclass
class Clock:
    """A clock that goes one second further every time it is looked at."""

    now: float = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def after(looks: int) -> Deadline:
    """A deadline that passes after so many looks at the clock."""
    return Deadline(looks, Clock())


def test_a_deadline_counts_down_is_shared_and_can_be_put_off() -> None:
    clock = Clock()
    deadline = Deadline.after(10, clock)  # at 11
    assert deadline.remaining == 9
    assert deadline.share(0.5).at == 3 + 0.5 * 7
    assert deadline.no_earlier_than(3).at == 11
    assert deadline.no_earlier_than(30).at == 6 + 30
    deadline.check()
    clock.now = 11
    with pytest.raises(DeadlineError):
        deadline.check()


def test_without_a_deadline_nothing_ends() -> None:
    NO_DEADLINE.check()
    assert NO_DEADLINE.share(0.1).remaining == NO_DEADLINE.remaining == math.inf


def product() -> Candidate:
    exponents = np.array([[1.0, 1.0, 0.0, 0.0]])
    return Candidate(exponents, signs_of(exponents, X), np.ones(1), np.zeros(1, dtype=np.int64), np.ones(1))


STAGES: dict[str, Callable[[Deadline], Any]] = {
    "products": lambda end: monomial_candidates(X, X[:, 0] * np.exp(NOISE), end),
    "sums": lambda end: linear_candidates(X, NOISE, end),
    "sums of many columns": lambda end: linear_candidates(WIDE[:, :80], NOISE, end),
    "two sums": lambda end: list(two_factor_candidates(X, NOISE, np.random.default_rng(0), end)),
    "sums of products": lambda end: list(rational_candidates(X, NOISE, np.random.default_rng(0), end)),
    "an exchange of terms": lambda end: list(
        exchange_terms(Dictionary.of(X), NOISE, np.random.default_rng(0), numerator=2, deadline=end)
    ),
    "constants": lambda end: fit_constants(product(), X, NOISE, end),
    "what can be learned": lambda end: learnable_share(X, NOISE, deadline=end),
    "the decision": lambda end: rejection_reason(product(), X, X[:, 0] * X[:, 1] * (1 + 0.01 * NOISE), deadline=end),
    "all of a wide table": lambda end: [
        list(stage.candidates)
        for stage in wide_stages(WIDE, WIDE[:, 0] * np.exp(NOISE), 1, np.random.default_rng(0), end)
    ],
}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("looks", [0, 1])
def test_every_stage_ends_where_the_time_is_up(stage: str, looks: int) -> None:
    deadline = after(looks)
    with pytest.raises(DeadlineError):
        STAGES[stage](deadline)
    assert deadline.clock.now <= looks + 3  # type: ignore[attr-defined]


def test_a_screen_returns_the_columns_that_it_had_time_for() -> None:
    target = WIDE[:, 3] + WIDE[:, 50] + WIDE[:, 99]
    assert len(forward_selection(WIDE, target, after(3))) == 2
    assert forward_selection(WIDE, target, after(100)).tolist() == [3, 50, 99]
    sets = screened_columns(WIDE, target, np.random.default_rng(0), after(6))
    assert all(set(columns) < {3, 50, 99} for columns in islice(sets, 1))


def test_no_time_at_all_leaves_a_mean_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.symbolic.search.MIN_SECONDS", 0)
    for inputs in (X, WIDE):
        found = find_law(inputs, NOISE[:, None], seconds=0)
        assert found.reason is not None
        assert found.reason.startswith("the search stopped after 0 s, at ")
        assert "(raise --seconds); until then, the best candidate " in found.reason
        assert found.formula is None


def test_a_reason_names_the_kind_of_candidates_at_which_the_time_was_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def two_sums_take_all_day(*_: Any) -> Any:
        raise DeadlineError
        yield

    monkeypatch.setattr("training.symbolic.stages.two_factor_candidates", two_sums_take_all_day)
    found = search(X, np.sin(X[:, 0]), deadline=Deadline.after(60))
    assert found.stopped_at == "two sums"
    assert search(X, X[:, 0] * X[:, 1]).stopped_at is None
    assert search(X, NOISE, rounds=0).stopped_at is None


def test_outliers_are_looked_for_in_the_time_that_is_left() -> None:
    target = X[:, 0] * X[:, 1]
    target[7] *= 10
    assert find_outliers(X, target, rounds=0, deadline=Deadline.after(0)) is None
    found = find_outliers(X, target, rounds=0, deadline=Deadline.after(60))
    assert found is not None
    assert found[1].tolist() == [7]


@pytest.mark.slow
@pytest.mark.parametrize("columns", [6, 60, 400])
def test_a_second_bounds_a_search_without_a_law(columns: int) -> None:
    wall, cpu = monotonic(), process_time()
    find_law(WIDE[:, :columns], np.sin(WIDE[:, :1]) * WIDE[:, 1:2], seconds=0.6)
    assert min(monotonic() - wall, process_time() - cpu) < 0.6 + 2
