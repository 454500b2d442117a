import json
from pathlib import Path

import numpy as np
import pytest

from models.arrays import FloatArray
from models.curves import Curves
from models.manifest import Manifest
from tests.app.factory import running
from training.__main__ import main
from training.tabular.curves import curve_inputs, sample_curves

REPOSITORY = Path(__file__).parents[3] / "repository"


def energy(rows: FloatArray) -> FloatArray:
    return rows[:, :1] * rows[:, 1:] ** 2


def test_one_column_varies_and_the_others_stay_in_the_middle_of_their_range() -> None:
    curves = sample_curves(energy, None, ["mass", "speed"], "energy", [(1, 10), (-2, 4)])
    assert curves.at == {"mass": 5.5, "speed": 1.0}
    mass, speed = curves.curves
    np.testing.assert_allclose(np.array(mass.model, float), mass.inputs, rtol=1e-8)
    np.testing.assert_allclose(np.array(speed.model, float), 5.5 * np.square(speed.inputs), rtol=1e-8)
    assert mass.mlp is None


def test_a_column_of_whole_numbers_stays_at_one_of_its_own() -> None:
    rows = np.array([[1, 0.5], [2, 0.25], [4, 0.75]])
    assert sample_curves(energy, None, ["a", "b"], "y", [(1, 4), (0, 1)], rows).at == {"a": 2.0, "b": 0.5}


def test_the_mlp_is_sampled_beside_the_model_and_what_is_not_finite_is_null() -> None:
    with np.errstate(divide="ignore"):
        (curve,) = sample_curves(lambda x: 1 / x, lambda x: x + 1, ["a"], "y", [(0, 4)]).curves
    assert curve.inputs[0] == 0
    assert curve.model[0] is None
    assert curve.model[1:] == pytest.approx([1 / x for x in curve.inputs[1:]])
    assert curve.mlp == pytest.approx([x + 1 for x in curve.inputs])


@pytest.mark.parametrize(
    ("low", "high", "first", "last"),
    [
        (-2.0, 2.0, -42.0, 42.0),
        (1.0, 10.0, 0.0, 100.0),  # a length has no negative values
        (-10.0, -1.0, -100.0, 0.0),
        (1000.0, 1001.0, 990.0, 1011.0),
        (5.0, 5.0, 0.0, 55.0),
        (0.0, 0.0, 0.0, 10.0),
        (-1.7e308, 1.7e308, -1.7e308, 1.7e308),
    ],
)
def test_samples_end_ten_widths_beyond_the_range_or_at_zero(low: float, high: float, first: float, last: float) -> None:
    inputs = curve_inputs(low, high)
    assert (inputs[0], inputs[-1]) == (first, last)
    assert (inputs[1:] > inputs[:-1]).all()
    assert {low, high} <= set(inputs.tolist())


def test_of_a_very_wide_table_the_columns_that_matter_most_have_curves() -> None:
    weights = np.arange(100.0)[::-1]
    columns = [f"x{i}" for i in range(100)]
    curves = sample_curves(lambda rows: rows @ weights[:, None], None, columns, "y", [(0.0, 1.0)] * 100)
    assert [curve.column for curve in curves.curves] == columns[:32]
    assert len(curves.at) == 100


@pytest.mark.parametrize("name", ["add", "kinetic-energy"])
def test_a_default_model_s_curves_follow_its_law(name: str) -> None:
    law = {"add": lambda a, b: a + b, "kinetic-energy": lambda mass, speed: 0.5 * mass * speed**2}[name]
    curves = Curves.model_validate_json((REPOSITORY / name / "1" / "curves.json").read_bytes())
    for curve in curves.curves:
        expected = [law(**curves.at | {curve.column: value}) for value in curve.inputs]
        assert curve.model == pytest.approx(expected)
    assert [curve.mlp is None for curve in curves.curves] == [name == "add"] * 2  # which is trained otherwise by now


@pytest.mark.slow
def test_fit_writes_curves_that_are_served_and_go_into_the_next_version(tmp_path: Path) -> None:
    table, repository = tmp_path / "table.csv", tmp_path / "repository"
    x = np.random.default_rng(0).uniform(1, 10, (200, 2))
    np.savetxt(table, np.column_stack([x, x[:, 0] * x[:, 1]]), delimiter=",", header="a,b,y", comments="")
    options = ["--repository", str(repository), "--name", "product", "--restarts", "1"]
    main(["fit", str(table), "--target", "y", "--plots", str(tmp_path / "plots"), *options])
    main(["export", "product", "--repository", str(repository)])
    written = (repository / "product" / "1" / "curves.json").read_bytes()
    with running(repository) as client:
        assert client.get("/models/product/curves?version=1").content == written
        assert client.get("/models/product/curves?version=2").content == written
    curves = Curves.model_validate_json(written)
    for curve in curves.curves:
        other = curves.at["b" if curve.column == "a" else "a"]
        assert curve.model == pytest.approx([value * other for value in curve.inputs])
        assert curve.mlp is not None
        assert abs(curve.mlp[-1] - curve.model[-1]) > 0.1 * curve.model[-1]  # type: ignore[operator]
    _lose_curves(repository / "product" / "2")
    main(["curves", "product", "--data", str(table), "--repository", str(repository)])
    again = json.loads((repository / "product" / "2" / "curves.json").read_bytes())
    assert [each["mlp"] is not None for each in again["curves"]] == [True, True]
    assert again["at"] == curves.at


def _lose_curves(folder: Path) -> None:
    (folder / "curves.json").unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["files"]["curves.json"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert Manifest.read(folder)
