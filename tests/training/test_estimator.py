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
