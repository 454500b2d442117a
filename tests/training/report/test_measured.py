"""Intervals: by the formula over all rows, by resampling, and from what a manifest holds."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.manifest import Manifest
from training.export.evaluation import error_intervals, evaluate_part, worst_rows
from training.metrics import regression_errors
from training.report.measured import mae_interval, measured_rows

RANDOM = np.random.default_rng(5)
TARGET = RANDOM.uniform(1, 10, 400)
PREDICTED = TARGET * (1 + RANDOM.normal(0, 0.05, 400))
REPOSITORY = Path(__file__).parents[3] / "repository"


def test_the_interval_of_the_mean_absolute_error_is_that_of_a_mean() -> None:
    error = np.abs(PREDICTED - TARGET)
    half = 1.959964 * error.std(ddof=1) / np.sqrt(len(error))
    expected = (error.mean() - half, error.mean() + half)
    assert error_intervals(PREDICTED, TARGET)["mae"] == pytest.approx(expected)


def test_a_manifest_s_errors_give_the_same_interval_as_its_rows() -> None:
    assert mae_interval(regression_errors(PREDICTED, TARGET)) == pytest.approx(
        error_intervals(PREDICTED, TARGET)["mae"], rel=1e-6
    )


def test_the_interval_of_the_relative_rmse_is_that_of_resampled_rows() -> None:
    def relative(places: np.ndarray) -> float:
        error, target = PREDICTED[places] - TARGET[places], TARGET[places]
        return float(np.sqrt(np.mean(error**2) / np.mean(target**2)))

    resampled = [relative(RANDOM.integers(0, len(TARGET), len(TARGET))) for _ in range(4000)]
    expected = np.quantile(resampled, (0.025, 0.975))
    assert error_intervals(PREDICTED, TARGET)["relative_rmse"] == pytest.approx(expected, rel=0.015)


def test_rows_of_twice_the_weight_count_more_and_equal_weights_change_nothing() -> None:
    equal = error_intervals(PREDICTED, TARGET, np.full(len(TARGET), 7.0))
    assert equal["mae"] == pytest.approx(error_intervals(PREDICTED, TARGET)["mae"])
    good = np.abs(PREDICTED - TARGET) < 0.1
    weighted = error_intervals(PREDICTED, TARGET, np.where(good, 20.0, 1.0))
    assert weighted["mae"][1] < equal["mae"][0]


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_intervals_do_not_depend_on_the_unit_of_the_target(size: float) -> None:
    found = error_intervals(PREDICTED * size, TARGET * size)
    assert found["relative_rmse"] == pytest.approx(error_intervals(PREDICTED, TARGET)["relative_rmse"])
    assert found["mae"][0] == pytest.approx(error_intervals(PREDICTED, TARGET)["mae"][0] * size, rel=1e-9, abs=0)


def test_what_is_not_finite_has_no_interval_and_no_error_one_of_zero() -> None:
    assert error_intervals(np.where(TARGET > 9, np.inf, PREDICTED), TARGET) == {}
    assert error_intervals(TARGET, TARGET) == {"mae": (0.0, 0.0), "relative_rmse": (0.0, 0.0)}
    assert error_intervals(TARGET, np.zeros(400)).keys() == {"mae"}
    assert error_intervals(PREDICTED[:1], TARGET[:1]) == {}


def test_worst_rows_are_those_of_the_largest_relative_errors_and_rounding_is_none() -> None:
    predicted = TARGET.copy()
    predicted[[7, 30, 2]] *= [1.1, np.nan, 0.5]
    predicted[50] *= 1 + 1e-15
    assert worst_rows(TARGET, predicted) == [30, 2, 7]


def test_of_many_rows_a_sample_is_kept() -> None:
    part = evaluate_part(TARGET, {"model": PREDICTED, "mlp": np.full(400, np.nan)})
    assert (part.rows, len(part.actual), len(part.predicted["model"])) == (400, 300, 300)
    pairs = {(float(f"{x:.6g}"), float(f"{y:.6g}")) for x, y in zip(TARGET, PREDICTED, strict=True)}
    assert set(zip(part.actual, part.predicted["model"], strict=True)) <= pairs  # type: ignore[arg-type]
    assert part.predicted["mlp"] == [None] * 300


def test_shares_have_wilson_s_interval_and_a_baseline_stands_below_its_model() -> None:
    digit = Manifest.model_validate(json.loads((REPOSITORY / "digit" / "1" / "manifest.json").read_text()))
    model, baseline = measured_rows(digit, None)[:2]
    assert model.cells == {"accuracy": "99.59% (99.44% to 99.70%)"}  # scipy.stats.binomtest(9959, 10000), Wilson's
    assert (model.network, baseline.network) == ("model", "linear head")
    assert (model.part, model.rows) == ("as in training", 10000)
