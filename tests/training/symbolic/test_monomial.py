import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.symbolic.candidate import Candidate
from training.symbolic.constants import fit_constants
from training.symbolic.monomial import monomial_candidates

RANDOM = np.random.default_rng(0)
POSITIVE = RANDOM.uniform(1, 10, (200, 3))
MIXED = RANDOM.uniform(-5, 5, (200, 3))
A, B, C = MIXED.T


def first(inputs: np.ndarray, target: np.ndarray) -> Candidate:
    found = monomial_candidates(inputs, target)
    assert found
    return fit_constants(found[0], inputs, target)[0]


def assert_holds_far_outside(candidate: Candidate, inputs: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(candidate.predict(inputs), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "exponents", [(1, 1, 0), (2, -1, 0), (0.5, 0, 0), (0.5, -1.5, 2), (0, 0, -3), (1 / 3, 0, -0.25), (0.3, 0.9, 1.5)]
)
@pytest.mark.parametrize("constant", [1.0, -2.5, 9.81, 6.674e-11])
def test_positive_columns_give_exponents_and_constant_exactly(exponents: tuple[float, ...], constant: float) -> None:
    def law(x: np.ndarray) -> np.ndarray:
        return np.asarray(constant * (x**exponents).prod(1))

    assert_holds_far_outside(first(POSITIVE, law(POSITIVE)), 1e4 * POSITIVE, law(1e4 * POSITIVE))


@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c: a * b,
        lambda a, b, c: -3 * a / b**2,
        lambda a, b, c: a**3 / c,
        lambda a, b, c: np.abs(a) * b,
        lambda a, b, c: np.sqrt(np.abs(a)) * c,
        lambda a, b, c: a**2,
        lambda a, b, c: -a * np.abs(b) * np.abs(c) ** 1.5,
        lambda a, b, c: np.sign(c) * a,
    ],
)
def test_signs_of_mixed_columns_are_those_of_the_law(law) -> None:  # type: ignore[no-untyped-def]
    assert_holds_far_outside(first(MIXED, law(A, B, C)), -1e3 * MIXED, law(*-1e3 * MIXED.T))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]), min_size=3, max_size=3).filter(any),
    st.integers(-9, 9).filter(bool),
    st.integers(0, 2**32 - 1),
)
def test_any_signed_product_is_found(exponents: list[float], constant: int, seed: int) -> None:
    inputs = np.random.default_rng(seed).uniform(-4, 4, (60, 3))
    candidate = first(inputs, constant * (inputs**exponents).prod(1))
    np.testing.assert_array_equal(candidate.exponents, [exponents])
    np.testing.assert_array_equal(candidate.constants, [constant])


def test_a_column_of_one_and_minus_one_counts_by_its_sign() -> None:
    inputs = np.column_stack([POSITIVE[:, 0], RANDOM.choice([-1.0, 1.0], 200)])
    candidate = first(inputs, 3 * inputs[:, 0] * inputs[:, 1])
    np.testing.assert_array_equal(candidate.exponents, [[1, 1]])
    np.testing.assert_array_equal(first(inputs, 3 * inputs[:, 0]).exponents, [[1, 0]])


@pytest.mark.parametrize("sign", [-1, 1])
def test_columns_of_one_sign_are_told_from_the_constants(sign: int) -> None:
    inputs = sign * POSITIVE
    target = -2 * POSITIVE[:, 0] * POSITIVE[:, 1] ** 2
    np.testing.assert_allclose(first(inputs, target).predict(inputs), target, rtol=1e-12)


def test_a_law_that_is_no_product_of_signs_has_no_candidate() -> None:
    assert monomial_candidates(MIXED, np.where((A > 0) & (B > 0), 1, -1) * np.abs(A)) == []


def test_zeros_in_an_irrelevant_column_cost_nothing() -> None:
    inputs = np.column_stack([POSITIVE[:, :2], RANDOM.integers(0, 2, 200)])
    np.testing.assert_array_equal(first(inputs, inputs[:, 0] * inputs[:, 1]).exponents, [[1, 1, 0]])


def test_zeros_in_a_relevant_column_are_zeros_of_the_product() -> None:
    inputs = RANDOM.integers(0, 6, (300, 2)).astype(np.float64)
    candidate = first(inputs, inputs[:, 0] ** 2 * inputs[:, 1])
    np.testing.assert_array_equal(candidate.exponents, [[2, 1]])
    np.testing.assert_array_equal(candidate.predict(inputs), inputs[:, 0] ** 2 * inputs[:, 1])


@pytest.mark.parametrize("seed", range(5))
def test_three_percent_of_noise_leaves_exponents_exact(seed: int) -> None:
    random = np.random.default_rng(seed)
    inputs = random.uniform(1, 10, (300, 3))
    target = 0.5 * inputs[:, 0] * np.sqrt(inputs[:, 1]) / inputs[:, 2] ** 2 * (1 + 0.03 * random.normal(size=300))
    found = monomial_candidates(inputs, target)
    assert any(np.array_equal(candidate.exponents, [[1, 0.5, -2]]) for candidate in found)


def test_the_rounding_of_a_constant_target_is_in_no_exponent() -> None:
    x = np.random.default_rng(0).uniform(0.5, 3, (200, 2))
    target = np.where(x[:, 0] > 2, np.nextafter(1, 2), 1.0)
    assert [candidate.exponents.tolist() for candidate in monomial_candidates(x, target)] == [[[0.0, 0.0]]]


def test_too_few_rows_have_no_candidate() -> None:
    assert monomial_candidates(POSITIVE[:5], POSITIVE[:5, 0]) == []
