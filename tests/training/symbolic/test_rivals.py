"""Rivals: formulas that explain the rows as well as the best, and part from it outside their range."""

import math

import numpy as np
import pytest

from models.arrays import FloatArray
from training.symbolic import find_law
from training.symbolic.acceptance import UNDECIDED
from training.symbolic.best_candidate import RIVALS, BestCandidate
from training.symbolic.candidate import Candidate, signs_of
from training.symbolic.constants import fit_constants
from training.symbolic.deadline import NO_DEADLINE, DeadlineError
from training.symbolic.no_law import rival_reason
from training.symbolic.rivals.expansions import expansions
from training.symbolic.rivals.neighbours import neighbours
from training.symbolic.rivals.parting import parting
from training.symbolic.rivals.rivals import MIN_GAP, Rival, RivalSearch
from training.symbolic.scaled_problem import ScaledProblem
from training.symbolic.search import NOT_DECIDED, search

NARROW = np.random.default_rng(0).uniform(2.0, 2.6, (300, 2))
WIDE = np.random.default_rng(1).uniform(1.0, 10.0, (300, 2))


def terms(*exponents: tuple[float, float], constants: tuple[float, ...] = (1.0,)) -> Candidate:
    powers = np.array(exponents)
    return Candidate(
        powers, signs_of(powers, WIDE), np.array(constants), np.zeros(len(powers), dtype=np.int64), np.ones(1)
    )


def noisy(law: FloatArray, noise: float) -> FloatArray:
    return law * (1 + noise * np.random.default_rng(2).standard_normal(len(law)))


def rivals_of(best: Candidate, x: FloatArray, y: FloatArray, *others: Candidate) -> list[Rival]:
    fitted = fit_constants(best, x, y)[0]
    return RivalSearch(fitted, x, y, None, NO_DEADLINE).rivals(others)


def test_in_a_narrow_range_a_shifted_column_is_a_rival_of_an_exponential_and_parts_outside() -> None:
    y = noisy(1.7321 * np.exp(0.31 * NARROW[:, 0]) * NARROW[:, 1], 0.01)
    starts = [each for each in neighbours(terms((1.0, 1.0)), NARROW) if each.features]
    fitted = {each.features[0].function: fit_constants(each, NARROW, y)[0] for each in starts[:3]}
    rivals = RivalSearch(fitted["exp"], NARROW, y, None, NO_DEADLINE).rivals([fitted["log"], fitted["identity"]])
    assert rivals
    for rival in rivals:
        assert rival.bits < MIN_GAP
        for column, value in rival.parts_at.items():
            assert value > NARROW[:, column].max() or value < NARROW[:, column].min()


@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("exponents", [(1.0, 1.0), (1.0, -1.0), (0.5, 0.0), (1.5, 2.0)])
def test_in_a_wide_range_a_law_has_no_rivals(noise: float, exponents: tuple[float, float]) -> None:
    law = terms(exponents)
    assert rivals_of(law, WIDE, noisy(law.predict(WIDE), noise)) == []


def test_a_law_of_simple_numbers_wins_over_longer_formulas_in_few_noisy_rows() -> None:
    for seed in range(2):
        x = np.random.default_rng(seed).uniform(1, 10, (40, 2))
        assert rivals_of(terms((1.0, 1.0)), x, noisy(x[:, 0] * x[:, 1], 0.01)) == []


def test_a_candidate_with_further_terms_is_no_rival() -> None:
    y = noisy(NARROW[:, 0] * NARROW[:, 1], 0.01)
    longer = fit_constants(terms((1.0, 1.0), (1.0, 0.0), constants=(1.0, 1e-3)), NARROW, y)[0]
    best = terms((1.0, 1.0))
    same_and_longer = (best, terms((1.0, 1.0), (1.0, 0.0), constants=(1.0, 1e-4)), longer)
    found = RivalSearch(best, NARROW, y, None, NO_DEADLINE)
    assert all(found._holds_best(candidate) for candidate in same_and_longer)


def test_formulas_that_are_algebraically_the_same_do_not_part() -> None:
    squared_sum = Candidate(
        np.eye(2), signs_of(np.eye(2), WIDE), np.ones(2), np.zeros(2, dtype=np.int64), np.full(1, 2.0)
    )
    expanded = terms((2.0, 0.0), (1.0, 1.0), (0.0, 2.0), constants=(1.0, 2.0, 1.0))
    assert parting(squared_sum, expanded, WIDE, 0.0, 0.0) is None
    assert parting(squared_sum, terms((2.0, 0.0)), WIDE, 0.0, 0.0) is not None


def test_formulas_that_part_by_less_than_ten_times_the_noise_do_not_part() -> None:
    one, other = terms((1.0, 1.0)), terms((1.0, 1.0), constants=(1.05,))
    assert parting(one, other, WIDE, 0.0, 0.01) is None
    assert parting(one, other, WIDE, 0.0, 0.004) is not None


def test_neighbours_start_near_the_candidate_in_the_middle_of_its_range() -> None:
    best = terms((1.5, 1.0), constants=(2.0,))
    middle = np.median(WIDE, axis=0)[None]
    for neighbour in neighbours(best, WIDE):
        assert neighbour.predict(middle)[0] == pytest.approx(best.predict(middle)[0], rel=0.2)


def test_the_reason_names_formulas_where_they_part_and_what_to_measure() -> None:
    names, varied = ["mass", "age", "fixed"], np.array([True, True, False])
    table = np.column_stack([NARROW, np.ones(300)])
    y = noisy(1.7321 * NARROW[:, 0] ** 1.5, 0.01)
    problem = ScaledProblem.of(table, y, varied, names)
    best = terms((1.5, 0.0), constants=(1.7321,))
    found = [Rival(terms((1.0, 0.0), constants=(2.5,)), 0.01, 1.0, {0: 5.2})]
    rivals = problem.rivals(best, found)
    assert [rival.formula for rival in rivals] == ["1.7321 * mass**(3 / 2)", "2.5 * mass"]
    assert rivals[0].parts_at == {}
    assert rivals[1].parts_at == {"mass": 5.2}
    assert math.isclose(rivals[0].relative_rmse, 0.01, rel_tol=0.2)
    assert rival_reason(rivals) == (
        "1.7321 * mass**(3 / 2) and 2.5 * mass explain the rows equally well and part at mass = 5.2; measure at "
        "mass = 5.2 to tell them apart"
    )
    assert problem.rivals(best, []) == []


def test_a_candidate_whose_rivals_are_not_looked_for_in_time_is_no_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object) -> list[Rival]:
        raise DeadlineError

    monkeypatch.setattr(RivalSearch, "rivals", late)
    assert search(WIDE, WIDE[:, 0] * WIDE[:, 1], rounds=0).reason == NOT_DECIDED


def test_a_law_with_a_rival_is_not_claimed_and_both_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    rival = Rival(terms((1.5, 1.0)), 0.0, 3.0, {0: 20.0})
    monkeypatch.setattr(RivalSearch, "rivals", lambda *_: [rival])
    law = find_law(WIDE, (WIDE[:, 0] * WIDE[:, 1])[:, None], columns=["a", "b"], rounds=0)
    assert law.formula is None
    assert [rival.formula for rival in law.rivals] == ["a * b", "b * a**(3 / 2)"]
    assert law.reason == (
        "a * b and b * a**(3 / 2) explain the rows equally well and part at a = 20; measure at a = 20 to tell them "
        "apart"
    )


def quotient_of(x: FloatArray) -> FloatArray:
    return np.asarray(5.24 * x[:, 0] / (x[:, 1] + x[:, 1] ** 2))


def test_the_expansions_of_a_quotient_and_of_a_sum_are_each_other() -> None:
    x = WIDE * [1.0, 0.01]
    powers = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    index, outer = np.array([0, 1, 1]), np.array([1.0, -1.0])
    quotient = Candidate(powers, signs_of(powers, x), np.array([5.24, 1.0, 1.0]), index, outer)
    assert quotient.predict(x) == pytest.approx(quotient_of(x))
    expanded = next(iter(expansions(quotient, x)))
    a, b = x.T
    assert expanded.predict(x) == pytest.approx(5.24 * a / b - 5.24 * a)
    assert next(iter(expansions(expanded, x))).predict(x) == pytest.approx(quotient_of(x))
    assert not list(expansions(terms((1.0, 1.0)), x))


def test_a_quotient_is_a_rival_of_its_expansion_where_noise_hides_it() -> None:
    x = np.random.default_rng(3).uniform([1.0, 0.013], [10.0, 0.13], (400, 2))
    expanded = terms((1.0, -1.0), (1.0, 0.0), constants=(5.24, -5.24))
    rival = rivals_of(expanded, x, noisy(quotient_of(x), 0.01))[0]
    assert rival.candidate.sum_exponents.tolist() == [1.0, -1.0]
    assert rival.candidate.predict(np.array([[2.0, 1.0]])) == pytest.approx(5.24, rel=0.1)


def test_rivals_are_those_of_the_candidate_that_was_decided_last() -> None:
    best = BestCandidate(WIDE, WIDE[:, 0] * WIDE[:, 1], fitted=terms((1.0, 1.0)))
    best.rivals = [Rival(terms((1.5, 1.0)), 0.0, 3.0, {0: 20.0})]
    best.decide(NO_DEADLINE, noise=True)
    assert (best.reason, best.rivals) == (None, [])
    best.fitted, best.reason = terms((1.0, 2.0)), UNDECIDED
    best.rivals = [Rival(terms((1.5, 1.0)), 0.0, 3.0, {0: 20.0})]
    best.decide(NO_DEADLINE, noise=True)
    assert best.reason != RIVALS
    assert best.rivals == []


@pytest.mark.slow
def test_a_rival_that_would_dismiss_the_candidate_takes_its_place_where_it_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    best = terms((1.0, 1.0))
    x = WIDE[:80]
    y = noisy(best.predict(x), 0.01)
    for likelier, law in (
        (terms((1.0, 1.0), constants=(1.001,)), True),
        (terms((1.0, 2.0), constants=(0.2,)), False),
    ):
        found = [Rival(likelier, 0.01, -MIN_GAP - 1, {0: 20.0})]
        monkeypatch.setattr(
            RivalSearch, "rivals", lambda self, _, found=found: found if self.best.constants.tolist() == [1.0] else []
        )
        decided = BestCandidate(x, y, fitted=best)
        decided.decide(NO_DEADLINE, noise=True)
        assert decided.reason == (None if law else RIVALS)
        assert decided.candidate.constants.tolist() == (likelier if law else best).constants.tolist()
