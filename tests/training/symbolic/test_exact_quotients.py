from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement

import numpy as np
import pytest

from training.symbolic.candidate import Candidate
from training.symbolic.quotients.exact_quotients import exact_quotients, quick_quotients
from training.symbolic.quotients.relation import Relation, find_relation
from training.symbolic.quotients.whole_powers import Limits, count_whole_powers, products, whole_powers
from training.symbolic.search import search
from training.symbolic.search_space import SearchSpace

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-3, 3, (400, 7))
A, B, C, D, E, F, G = X.T
Generator = Callable[..., Iterator[Candidate]]


def first(generator: Generator, inputs: np.ndarray, target: np.ndarray) -> Candidate:
    return next(generator(inputs, target, np.random.default_rng(0)))


def test_products_are_all_those_within_limits() -> None:
    exponents = whole_powers(3, Limits(4, 4, 4))
    combinations = [
        np.bincount(places, minlength=3)
        for degree in range(5)
        for places in (np.array(c, dtype=int) for c in combinations_with_replacement(range(3), degree))
    ]
    assert {tuple(row) for row in exponents.tolist()} == {tuple(row.tolist()) for row in combinations}
    few = whole_powers(5, Limits(6, 2, 3))
    assert few.max() == 3
    assert (few != 0).sum(1).max() == 2
    assert len(few) == count_whole_powers(5, Limits(6, 2, 3)) == len(np.unique(few, axis=0))


def test_products_are_powers_multiplied() -> None:
    exponents = whole_powers(2, Limits(3, 2, 3))
    np.testing.assert_allclose(products(X[:, :2], exponents), np.prod(X[:, None, :2] ** exponents, 2))


LAWS = {
    "weighted mean": (A * B + C * D) / (A + C + 7),
    "coupling": (A + B) / (1 + A * B / 49),
    "parallel": 3 * A * B * C / (A * B + B * C + A * C),
    "squared distances": A * B / ((C - D) ** 2 + (E - F) ** 2),
    "terms of different size": (A + 1e-3 * B) / (C + 1e-3 * D**2),
    "sum of a power of 4": A**4 + 2 * B * C - 1,
}


@pytest.mark.parametrize("law", LAWS)
def test_a_quotient_of_low_degree_is_found_beside_columns_that_do_not_matter(law: str) -> None:
    found = first(exact_quotients, X, LAWS[law])
    np.testing.assert_allclose(found.predict(X), LAWS[law], rtol=1e-9)
    assert len(found.constants) <= 7


def test_roots_of_quotients_are_found() -> None:
    target = np.sqrt((A**2 + B**2) / (1 + C**2))
    np.testing.assert_allclose(first(quick_quotients, X[:, :4], target).predict(X), target, rtol=1e-9)


def test_products_of_high_powers_are_found_in_few_columns() -> None:
    target = (A**2 * B**2 * C**3 - 4 * D) / (A * D + 3 * B**2)
    np.testing.assert_allclose(first(exact_quotients, X[:, :4], target).predict(X[:, :4]), target, rtol=1e-7)


def test_columns_that_depend_on_one_another_are_no_law_of_the_target() -> None:
    inputs = np.column_stack([A, B, A + B, C**2, C])
    target = (A * B + C) / (2 + C**2)
    np.testing.assert_allclose(first(quick_quotients, inputs, target).predict(inputs), target, rtol=1e-9)


@pytest.mark.parametrize(
    "target", [np.sin(A) * B, np.exp(A / 3) + B, RANDOM.normal(size=400), A * B / (1 + C**2) * (1 + X[:, 6] / 1e3)]
)
def test_without_a_quotient_of_few_terms_there_is_none(target: np.ndarray) -> None:
    terms = whole_powers(3, Limits(4, 4, 4))
    assert find_relation(X[:, :3], target, terms, terms) is None


def test_a_column_of_few_values_fits_no_target_by_itself() -> None:
    codes = RANDOM.integers(1, 5, 400).astype(np.float64)
    prices = np.array([0.0, 3.1, 7.4, 7.9, 20.2])[codes.astype(int)]
    assert list(quick_quotients(np.column_stack([codes, A]), prices * A, np.random.default_rng(0))) == []


def test_powers_that_are_not_asked_for_are_not_tried() -> None:
    inputs, target = X[:, :3], A**2 / (1 + B**2)
    space = SearchSpace(exponents=(1.0,))
    assert list(quick_quotients(inputs, target, np.random.default_rng(0), space=space)) == []


NARROW = RANDOM.uniform(-0.5, 0.5, (400, 2))
WIDE = RANDOM.uniform(1, 3, (400, 2))


@pytest.mark.parametrize("generator", [quick_quotients, exact_quotients])
@pytest.mark.parametrize("inputs", [X[:, :2], NARROW, WIDE], ids=["(-3, 3)", "(-0.5, 0.5)", "(1, 3)"])
@pytest.mark.parametrize(
    "smooth",
    [
        lambda a, b: np.sin(a) + b,
        lambda a, b: np.cos(a) * b,
        lambda a, b: np.exp(a) + b,
        lambda a, b: np.tanh(a) + b,
        lambda a, b: np.log(4 + a) * b,
        lambda a, b: a / np.expm1(np.abs(b) + 0.5),
    ],
)
def test_approximations_of_smooth_functions_are_no_quotients(
    generator: Generator, inputs: np.ndarray, smooth: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> None:
    """Quotients of 4 to 16 terms fit them to 1e-5 up to 1e-13."""
    assert list(generator(inputs, smooth(*inputs.T), np.random.default_rng(0))) == []


@pytest.mark.slow
def test_no_law_or_the_law_itself_is_claimed_of_a_wave_and_a_column() -> None:
    inputs = np.random.default_rng(0).uniform(-3, 3, (300, 2))
    target = np.sin(inputs[:, 0]) + inputs[:, 1]
    found = search(inputs, target, rounds=1)
    if found.reason is None:
        outside = 3 * inputs
        np.testing.assert_allclose(found.candidate.predict(outside), np.sin(outside[:, 0]) + outside[:, 1], rtol=1e-9)


def test_constants_are_plain_if_all_but_four_have_few_digits_beside_one() -> None:
    terms = np.zeros((6, 1), dtype=np.int64)
    free = np.sqrt([2.0, 3.0, 5.0, 7.0, 11.0, 13.0])
    for constants, plain in [(free, False), (np.append(free[:5], 1.0), False), (np.append(free[:4], [1, 0.25]), True)]:
        assert Relation(terms[:3], terms[3:], constants[:3], constants[3:]).is_plain() is plain
        assert Relation(terms[:3], terms[3:], np.pi * constants[:3], np.pi * constants[3:]).is_plain() is plain


def test_targets_of_six_digits_tell_no_quotient_from_an_approximation() -> None:
    target = np.array([float(f"{value:.5e}") for value in A * B / (1 + C**2)])
    assert list(quick_quotients(X[:, :4], target, np.random.default_rng(0))) == []


@pytest.mark.slow
def test_the_search_finds_a_weighted_mean_of_seven_columns_to_rounding() -> None:
    target = (A * B + C * D + E * F) / (A + C + E + 20)
    found = search(X, target)
    assert found.reason is None
    np.testing.assert_allclose(found.candidate.predict(9 * X), _weighted_mean(9 * X), rtol=1e-9)


def _weighted_mean(inputs: np.ndarray) -> np.ndarray:
    a, b, c, d, e, f = inputs.T[:6]
    return np.asarray((a * b + c * d + e * f) / (a + c + e + 20))
