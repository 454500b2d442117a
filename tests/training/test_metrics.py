import numpy as np
import pytest

from training.metrics import (
    classification_errors,
    predicted_classes,
    regression_errors,
    relative_errors,
    root_mean_square,
    wilson_interval,
)


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


@pytest.mark.parametrize("target", [[0.0, 0.0], [-0.0, 0.0], [0.0]])
def test_errors_relative_to_nothing_are_absolute(target: list[float]) -> None:
    truth = np.array(target)
    exact = regression_errors(truth.copy(), truth)
    assert [exact[name] for name in ("relative_rmse", "max_relative_error", "absolute")] == [0.0, 0.0, True]
    off = regression_errors(truth + 3.0, truth)
    assert [off[name] for name in ("rmse", "relative_rmse", "max_relative_error")] == [3.0, 3.0, 3.0]


def test_a_row_of_target_0_is_relative_to_the_others() -> None:
    found = relative_errors(np.array([1.0, 4.0, 0.0]), np.array([0.0, 2.0, 0.0]))
    assert found == pytest.approx([1 / (4 / 3) ** 0.5, 1.0, 0.0])
    assert relative_errors(np.array([1.0, 0.0]), np.zeros(2)).tolist() == [1.0, 0.0]


def test_a_floor_bounds_what_errors_are_relative_to() -> None:
    found = relative_errors(np.array([1.0, 3.0, 1e-9]), np.array([1.0, 2.0, 0.0]), floor=0.1)
    assert found == pytest.approx([0.0, 0.5, 1e-9 / (0.1 * (5 / 3) ** 0.5)])


@pytest.mark.parametrize("size", [1.7e308, 1e200, 1e154, 1e-160, 1e-200, 1e-300, 1e-310])
def test_errors_are_the_same_shares_at_every_scale(size: float) -> None:
    """Squares of 1e200 overflow and those of 1e-200 vanish, the errors do not."""
    target = np.array([1.0, -0.5, 0.25, 0.0]) * size
    assert root_mean_square(target) == pytest.approx((1.3125 / 4) ** 0.5 * size)
    found = regression_errors(target * 0.9, target)
    assert found["mae"] == pytest.approx(0.1 * 1.75 / 4 * size)
    assert (found["relative_rmse"], found["max_relative_error"]) == (pytest.approx(0.1), pytest.approx(0.1))
    assert regression_errors(np.zeros(4), target)["relative_rmse"] == pytest.approx(1.0)
    assert "absolute" not in found


def test_a_class_that_is_not_finite_is_no_class() -> None:
    probabilities = np.array([[np.nan, np.nan], [0.2, 0.8], [np.inf, 0.0], [0.3, np.nan]])
    assert predicted_classes(probabilities).tolist() == [-1, 1, -1, -1]
    assert classification_errors(probabilities, np.array([0, 1, 0, 0])) == {"rows": 4, "accuracy": 0.25}
    assert classification_errors(np.empty((0, 2)), np.empty(0, int)) == {"rows": 0}


def test_accuracy_counts_the_most_probable_class() -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7]])
    assert classification_errors(probabilities, np.array([0, 1, 1, 1])) == {"rows": 4, "accuracy": 0.75}


@pytest.mark.parametrize(
    ("successes", "runs", "low", "high"),
    [(225, 225, 0.9832, 1.0), (25, 25, 0.8668, 1.0), (0, 25, 0.0, 0.1332), (5, 10, 0.2366, 0.7634)],
)
def test_wilson_interval_by_published_values(successes: int, runs: int, low: float, high: float) -> None:
    assert wilson_interval(successes, runs) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
