import numpy as np
import pytest

from training.metrics import relative_rmse
from training.symbolic.constants import fit_constants
from training.symbolic.two_factor import two_factor_candidates

X = np.random.default_rng(0).uniform(-5, 5, (200, 3))
A, B, C = X.T


def best(inputs: np.ndarray, target: np.ndarray):  # type: ignore[no-untyped-def]
    found = [
        fitted
        for candidates, _ in two_factor_candidates(inputs, target, np.random.default_rng(0))
        for candidate in candidates
        for fitted in fit_constants(candidate, inputs, target)
    ]
    return min(found, key=lambda fitted: (relative_rmse(fitted.predict(inputs), target) > 1e-12, fitted.complexity))


@pytest.mark.slow
@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c: (a + 2 * b) / (c + 8),
        lambda a, b, c: (3 * a - b) / (a - 2 * c + 20),
        lambda a, b, c: 5 / (a + b + 12),
        lambda a, b, c: (a + b) * (c - 3),
        lambda a, b, c: (2 * a - b + 1) * (a + c),
        lambda a, b, c: (a + b - c) * (a + b - c),
    ],
)
def test_a_quotient_or_product_of_sums_is_exact_far_outside(law) -> None:  # type: ignore[no-untyped-def]
    fitted = best(X, law(A, B, C))
    np.testing.assert_allclose(fitted.predict(1e3 * X), law(*(1e3 * X.T)), rtol=1e-9)


def test_constants_are_the_plainest_of_those_that_say_the_same() -> None:
    fitted = best(X, (6 * A + 2 * B) / (4 * C + 40))
    assert sorted(np.abs(fitted.constants)) == [1, 2, 3, 20]


@pytest.mark.slow
def test_a_target_with_zeros_and_one_that_is_negative_are_no_exception() -> None:
    ints = np.random.default_rng(0).integers(-4, 5, (200, 3)).astype(np.float64)
    target = (ints[:, 0] - ints[:, 1]) / (ints[:, 2] + 6)
    np.testing.assert_allclose(best(ints, target).predict(ints), target, atol=1e-12)
    negative = -1 / (X[:, 0] + 9)
    np.testing.assert_allclose(best(X, negative).predict(X), negative)


@pytest.mark.parametrize("extra", [np.zeros(200), np.full(200, 3.0), A])
def test_columns_that_depend_on_others_are_no_error(extra: np.ndarray) -> None:
    assert len(list(two_factor_candidates(np.column_stack([X, extra]), (A + B) * C, np.random.default_rng(0)))) > 1


def test_too_few_rows_have_no_candidate() -> None:
    assert list(two_factor_candidates(X[:9], A[:9], np.random.default_rng(0))) == []
