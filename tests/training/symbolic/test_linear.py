import numpy as np
import pytest

from training.symbolic.constants import fit_constants
from training.symbolic.linear import linear_candidates

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-10, 10, (200, 6))


def written(inputs: np.ndarray, target: np.ndarray) -> dict[int, float]:
    """What each column is multiplied by in the first candidate; the constant alone is -1."""
    fitted = fit_constants(linear_candidates(inputs, target)[0], inputs, target)[0]
    return {
        int(row.argmax()) if row.any() else -1: constant
        for row, constant in zip(fitted.exponents, fitted.constants, strict=True)
    }


def test_irrelevant_columns_are_left_out_and_an_intercept_is_found() -> None:
    assert written(X, 2 * X[:, 1] - 0.25 * X[:, 4] + 32) == {1: 2, 4: -0.25, -1: 32}


def test_without_an_intercept_there_is_none() -> None:
    assert written(X, X[:, 0] - X[:, 5]) == {0: 1, 5: -1}


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_magnitudes_do_not_matter(scale: float) -> None:
    inputs = X * [scale, 1 / scale, 1, 1, 1, 1]
    assert written(inputs, 3 * inputs[:, 0] - scale**2 * inputs[:, 1]) == pytest.approx({0: 3, 1: -(scale**2)})


def test_noise_leaves_the_columns_that_matter_and_least_squares_of_them() -> None:
    target = 2 * X[:, 1] - X[:, 4] + 0.1 * RANDOM.normal(size=200)
    candidate = linear_candidates(X, target)[0]
    np.testing.assert_array_equal(candidate.exponents.argmax(1), [1, 4])
    np.testing.assert_allclose(candidate.constants, np.linalg.lstsq(X[:, [1, 4]], target, rcond=None)[0])


def test_of_columns_that_depend_on_one_another_as_few_as_will_do_remain() -> None:
    inputs = np.column_stack([X[:, 0], X[:, 1], X[:, 0] + X[:, 1]])
    target = 3 * (X[:, 0] + X[:, 1])
    fitted = fit_constants(linear_candidates(inputs, target)[0], inputs, target)[0]
    np.testing.assert_allclose(fitted.predict(inputs), target)
    assert len(fitted.constants) <= 2


def test_more_columns_than_rows_are_no_error() -> None:
    assert linear_candidates(X[:4], X[:4, 0])
