import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from training.estimator import ArithmeticRegressor


def energies(rows: int = 200) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).uniform(1, 10, (rows, 2))
    return X, 0.5 * X[:, 0] * X[:, 1] ** 2


@pytest.mark.slow
@parametrize_with_checks([ArithmeticRegressor(rounds=0)])
def test_it_is_an_estimator_as_scikit_learn_demands(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


def test_it_finds_a_law_and_predicts_outside_the_range() -> None:
    X, y = energies()
    model = ArithmeticRegressor(random_state=0).fit(X, y)
    assert model.formula_ == "0.5 * x0 * x1**2"
    assert model.latex_ is not None
    np.testing.assert_allclose(model.predict([[1000.0, 100.0]]), [5e6], rtol=1e-9)
    assert model.score(X * 10, 0.5 * X[:, 0] * X[:, 1] ** 2 * 1000) == pytest.approx(1)


def test_without_a_law_it_says_why_and_still_predicts() -> None:
    X = np.random.default_rng(0).uniform(-3, 3, (300, 1))
    model = ArithmeticRegressor(rounds=0, random_state=0).fit(X, np.sin(X[:, 0]))
    assert (model.formula_, model.latex_) == (None, None)
    assert model.reason_
    assert model.score(X, np.sin(X[:, 0])) > 0.5


def test_a_law_has_constants_with_errors_standard_deviations_and_intervals() -> None:
    X, y = energies()
    model = ArithmeticRegressor(rounds=0, random_state=0).fit(X, y + 0.5 * np.random.default_rng(1).normal(size=200))
    (constant,) = model.constants_
    assert (constant.value, constant.term) == (0.5, "x0 * x1**2")
    assert 0 < abs(constant.estimate - 0.5) < 4 * constant.standard_error
    predicted, deviation = model.predict(2 * X, return_std=True)
    np.testing.assert_array_equal(predicted, model.predict(2 * X))
    error = constant.standard_error * 8 * X[:, 0] * X[:, 1] ** 2
    np.testing.assert_allclose(deviation, np.hypot(model._finding.uncertainty.fields.constant_noise, error), rtol=1e-6)
    observed = 8 * y + 0.5 * np.random.default_rng(2).normal(size=200)
    for level in (0.5, 0.95):
        low, high = model.predict_interval(2 * X, level=level).T
        assert np.mean((low <= observed) & (observed <= high)) == pytest.approx(level, abs=0.08)
    with pytest.raises(ValueError, match=r"^level must be one of 0\.5, 0\.68, 0\.8, 0\.9, 0\.95, 0\.99, got 95\.$"):
        model.predict_interval(X, level=95)


def test_without_a_law_there_are_no_intervals_and_no_constants() -> None:
    X = np.random.default_rng(0).uniform(-3, 3, (40, 1))
    model = ArithmeticRegressor(rounds=0, random_state=0).fit(X, np.sin(X[:, 0]))
    assert model.constants_ == []
    with pytest.raises(ValueError, match=r"^There are no intervals, as no law was found \(.+\)\.$"):
        model.predict_interval(X)
    with pytest.raises(ValueError, match=r"^There are no intervals, "):
        model.predict(X, return_std=True)


def test_it_works_within_a_pipeline_and_as_a_clone() -> None:
    X, y = energies()
    model = make_pipeline(FunctionTransformer(), clone(ArithmeticRegressor(random_state=1))).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, rtol=1e-9)


@pytest.mark.slow
def test_export_writes_a_model_with_errors_within_and_beyond_the_range(tmp_path: Path) -> None:
    X, y = energies()
    model = ArithmeticRegressor(random_state=0).fit(X, y)
    held_out = np.array([[2.0, 3.0], [50.0, 60.0]])
    folder = model.export(tmp_path, "energy", target="E", X=held_out, y=[9.0, 90_000.0])
    assert folder == tmp_path / "energy" / "1"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["formula"], manifest["outputs"][0]["columns"]) == ("0.5 * x0 * x1**2", ["E"])
    assert (manifest["unit"], manifest["summary"]) == ("Law", "E from x0, x1, learned by Law")
    assert manifest["training"]["ranges"] == [[X[:, i].min(), X[:, i].max()] for i in range(2)]
    for part in ("interpolation", "extrapolation"):
        assert manifest["metrics"][part]["rows"] == 1
        assert manifest["metrics"][part]["relative_rmse"] < 1e-9
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"input": held_out})[0][:, 0], [9, 90_000], rtol=1e-9)


@pytest.mark.slow
def test_without_held_out_rows_the_manifest_claims_no_errors(tmp_path: Path) -> None:
    X, y = energies()
    folder = ArithmeticRegressor(random_state=0).fit(X, y).export(tmp_path, "energy")
    assert json.loads((folder / "manifest.json").read_text())["metrics"] == {
        "interpolation": {"rows": 0},
        "extrapolation": {"rows": 0},
    }


@pytest.mark.slow
def test_what_is_no_law_is_exported_as_an_approximation(tmp_path: Path) -> None:
    X = np.random.default_rng(0).uniform(-3, 3, (300, 1))
    folder = ArithmeticRegressor(rounds=0, random_state=0).fit(X, np.sin(X[:, 0])).export(tmp_path, "sine")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["unit"], manifest["formula"], manifest["latex"]) == ("Approximation", None, None)
    assert manifest["summary"] == "y: no law found, not to be trusted outside its training range"


def noisy(rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    X = random.uniform(1, 10, (rows, 2))
    return X, 3 * X[:, 0] + random.normal(0, 0.3, rows)


def fitted(X: np.ndarray, y: np.ndarray, weights: object = None) -> ArithmeticRegressor:
    return ArithmeticRegressor(rounds=0, random_state=0).fit(X, y, sample_weight=weights)


def test_a_weight_counts_as_that_many_equal_rows_and_none_as_no_row() -> None:
    X, y = noisy()
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    repeated = np.repeat(np.arange(len(y)), weights)
    shuffled = np.random.default_rng(2).permutation(repeated)
    weighted, rows = fitted(X, y, weights), fitted(X[shuffled], y[shuffled])
    assert weighted.formula_ == rows.formula_
    np.testing.assert_allclose(weighted.predict(X), rows.predict(X), rtol=1e-12)
    np.testing.assert_array_equal(weighted.ranges_, rows.ranges_)
    scores = weighted.score(X, y, sample_weight=weights), weighted.score(X[repeated], y[repeated])
    assert scores[0] == pytest.approx(scores[1])


def test_constants_are_those_of_weighted_least_squares() -> None:
    X, y = noisy()
    y = y + X[:, 1] * 0.7123
    weights = np.random.default_rng(0).uniform(0, 1, len(y)) ** 4
    design = np.column_stack([X, np.ones(len(y))])[:, :2]
    root = np.sqrt(weights)
    expected = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)[0]
    found = fitted(X, y, weights).network_.C.detach().numpy().ravel()
    assert np.sort(found) == pytest.approx(np.sort(expected), rel=0.05)
    unweighted = np.linalg.lstsq(design, y, rcond=None)[0]
    assert np.abs(np.sort(expected) - np.sort(unweighted)).max() > 1e-3


def test_rows_of_little_weight_do_not_hide_a_law() -> None:
    X, y = energies()
    y = y.copy()
    y[:30] *= 50
    weights = np.where(np.arange(len(y)) < 30, 1e-9, 1.0)
    assert fitted(X, y, weights).formula_ == "0.5 * x0 * x1**2"
    weights[:30] = 0.0
    assert fitted(X, y, weights).reason_ is None


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([-1.0] * 200, "Negative values in data passed to `sample_weight`"),
        ([0.0] * 200, r"^Sample weights must contain at least one non-zero number\.$"),
        ([1.0] + [0.0] * 199, r"^1 row has a sample_weight above 0; a fit takes at least 2\.$"),
        ([np.nan] * 200, "contains NaN"),
        ([1.0], r"sample_weight\.shape"),
    ],
)
def test_weights_that_are_none_are_a_value_error(weights: list[float], message: str) -> None:
    X, y = energies()
    with pytest.raises(ValueError, match=message):
        fitted(X, y, weights)


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1.0, 1e200])
def test_the_score_is_right_at_every_size(size: float) -> None:
    X, y = energies()
    model = fitted(X, y * size)
    assert model.score(X, y * size) == pytest.approx(1)
    assert model.score(X, y[::-1] * size) < 0.5


def test_a_target_of_zeros_is_learned() -> None:
    X, y = energies()
    model = fitted(X, y * 0)
    assert (model.formula_, model.reason_) == ("0", None)
    assert model.predict(X).tolist() == [0.0] * 200
    assert model.score(X, y * 0) == 1.0


@pytest.mark.parametrize("seconds", [-1.0, 0.0, float("nan")])
def test_a_limit_that_is_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"^seconds must be greater than 0, or None for no limit, got (-1|0|nan)"):
        ArithmeticRegressor(seconds=seconds).fit(np.ones((4, 1)), np.ones(4))


def test_units_are_those_of_the_columns_and_of_y() -> None:
    X = np.random.default_rng(0).uniform(1, 5, (60, 2))
    units = {"x0": "kg", "x1": "m/s", "y": "J"}
    model = ArithmeticRegressor(units=units, seconds=20).fit(X, 0.5 * X[:, 0] * X[:, 1] ** 2)
    assert model.formula_ == "0.5 * x0 * x1**2"
    with pytest.raises(ValueError, match="no product of powers of x0 in kg, x1 in m has the unit of 'y'"):
        ArithmeticRegressor(units=units | {"x1": "m"}).fit(X, X[:, 0])
