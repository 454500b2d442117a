import numpy as np
import pytest

from training.metrics import classification_errors, regression_errors, wilson_interval


def test_errors_by_hand() -> None:
    found = regression_errors(np.array([[1.0], [5.0], [0.5]]), np.array([[2.0], [4.0], [0.0]]))
    assert found == {
        "rows": 3,
        "mae": pytest.approx(2.5 / 3),
        "rmse": pytest.approx((2.25 / 3) ** 0.5),
        "relative_rmse": pytest.approx((2.25 / 20) ** 0.5),
        "max_relative_error": pytest.approx(0.5),
    }


def test_overflow_is_none_and_no_rows_is_said() -> None:
    assert regression_errors(np.array([np.inf]), np.array([1.0])) == {
        "rows": 1,
        "mae": None,
        "rmse": None,
        "relative_rmse": None,
        "max_relative_error": None,
    }
    assert regression_errors(np.empty((0, 1)), np.empty((0, 1))) == {"rows": 0}


def test_accuracy_counts_the_most_probable_class() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    assert classification_errors(probabilities, np.array([0, 1, 1, 1])) == {"rows": 4, "accuracy": 0.75}


@pytest.mark.parametrize(
    ("successes", "runs", "low", "high"),
    [(225, 225, 0.9832, 1.0), (25, 25, 0.8668, 1.0), (0, 25, 0.0, 0.1332), (5, 10, 0.2366, 0.7634)],
)
def test_wilson_interval_by_published_values(successes: int, runs: int, low: float, high: float) -> None:
    assert wilson_interval(successes, runs) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
