"""``fit --weights``: a column that says how much each row counts, and what is wrong with one that cannot."""

from pathlib import Path

import numpy as np
import pytest

from models.manifest import Manifest
from training.__main__ import main
from training.data.table import read_table
from training.data.table_split import Part, split_table
from training.errors import InputError
from training.metrics import regression_errors, relative_rmse
from training.symbolic.deadline import NO_DEADLINE
from training.tabular import fit
from training.tabular.restarts import best_mlp, best_restart


def written(path: Path, header: str, rows: np.ndarray) -> Path:
    lines = [header, *(",".join(f"{float(value)!r}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def rows_with_bad_readings() -> np.ndarray:
    """A product, and a tenth of rows that say something else, of weight 0."""
    random = np.random.default_rng(0)
    a, b = random.uniform(1, 9, (2, 200))
    bad = np.arange(200) % 10 == 3
    return np.column_stack([a, b, np.where(bad, 0.0, 1.0 + (np.arange(200) % 3)), np.where(bad, 1e3 + a, a * b)])


@pytest.mark.slow
def test_rows_of_weight_0_do_not_hide_a_law(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = written(tmp_path / "data.csv", "a,b,w,y", rows_with_bad_readings())
    options = ["--restarts", "1", "--repository", str(tmp_path / "models"), "--plots", str(tmp_path)]
    assert main(["fit", str(data), "--target", "y", "--weights", "w", *options]) == 0
    manifest = Manifest.read(tmp_path / "models/data/1")
    assert manifest.formula == "a * b"
    assert manifest.columns == ["a", "b"]
    assert manifest.training.data == "data.csv: 200 rows, weighted by 'w'"
    assert manifest.metrics["extrapolation"]["relative_rmse"] < 1e-12
    assert sum(manifest.metrics[part]["rows"] for part in manifest.metrics) + manifest.training.rows == 180
    assert "Errors are means in which rows count by their weights." in capsys.readouterr().out


def test_a_column_of_weights_is_no_input_and_no_weight_may_be_missing(tmp_path: Path) -> None:
    data = written(tmp_path / "data.csv", "a,w,y", np.array([[1, 2, 3], [4, 0, 6], [7, 8, 9]]))
    table = read_table(data, "y", weights="w")
    assert table.columns == ["a"]
    assert table.weights is not None
    assert table.weights.tolist() == [2, 0, 8]
    assert table.target.ravel().tolist() == [3, 6, 9]
    assert read_table(data, "y").columns == ["a", "w"]


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (
            "1,-1,3",
            {},
            r"row 2, column 'w' is -1, but a weight is 0 or more; correct it, or choose another --weights\.",
        ),
        ("1,inf,3", {}, r"row 2, column 'w' is inf, which is not finite; .* or choose another --weights\."),
        ("1,,3", {}, r"row 2, column 'w' is empty; .* or choose another --weights\."),
        ("1,heavy,3", {}, r"row 2, column 'w' is 'heavy', which is not a number; .*, or choose another --weights\."),
        (
            "1,2,3",
            {"weights": "z"},
            r"^--weights names 'z', but .*data\.csv has no column 'z'; its columns are a, w, y\.$",
        ),
        ("1,2,3", {"weights": "y"}, r"^--weights names the target 'y', which cannot weigh itself; leave it out\.$"),
        (
            "1,2,3",
            {"columns": ["a", "w"]},
            r"^--weights and --columns both name 'w'; weights are no input, so leave one out\.$",
        ),
    ],
)
def test_what_is_no_weight_is_one_sentence(tmp_path: Path, rows: str, options: dict[str, object], message: str) -> None:
    (tmp_path / "data.csv").write_text(f"a,w,y\n4,5,6\n{rows}\n7,8,9\n")
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "data.csv", "y", **{"weights": "w", **options})  # type: ignore[arg-type]


def test_rows_of_weight_0_are_in_no_part() -> None:
    weights = np.tile([1.0, 0.0, 2.0], 10)
    split = split_table(np.arange(30.0)[:, None], np.arange(30.0)[:, None], 0, "The table", np.arange(30), weights)
    parts = [split.train, split.interpolation, split.extrapolation]
    assert sorted(np.concatenate([part.numbers for part in parts if part.numbers is not None])) == [
        i for i in range(30) if i % 3 != 1
    ]
    for part in parts:
        assert part.weights is not None
        assert part.weights.tolist() == [weights[int(row)] for row in part.inputs[:, 0]]
    message = r"^data\.csv, without its rows of weight 0, has 1 rows; training and checking need at least 10, so add"
    with pytest.raises(InputError, match=message):
        split_table(np.ones((30, 1)), np.ones((30, 1)), 0, "data.csv", None, np.eye(1, 30)[0])


def test_a_row_of_weight_2_counts_as_two_rows_in_errors() -> None:
    random = np.random.default_rng(0)
    predicted, target = random.normal(0, 1, (2, 30, 1))
    weights = random.integers(1, 4, 30).astype(float)
    rows = np.repeat(np.arange(30), weights.astype(int))
    weighted, repeated = regression_errors(predicted, target, weights), regression_errors(predicted[rows], target[rows])
    assert weighted["rows"] == 30
    for name in ("mae", "rmse", "relative_rmse", "max_relative_error"):
        assert weighted[name] == pytest.approx(repeated[name], rel=1e-12)
    assert relative_rmse(predicted, target, 1e300 * weights) == pytest.approx(weighted["relative_rmse"], rel=1e-12)


@pytest.mark.slow
def test_units_and_mlps_follow_the_rows_that_weigh_most() -> None:
    x = np.random.default_rng(0).uniform(1, 2, (40, 1))
    heavy = np.arange(40) % 2 == 0
    target = np.where(heavy[:, None], x, 9 * x)
    train, held_out = Part(x, target, weights=np.where(heavy, 1.0, 1e-9)), Part(x[heavy], x[heavy])
    mlp = best_mlp(train, 9, held_out, 2, NO_DEADLINE)
    assert mlp is not None
    for network in (mlp, best_restart("NAU", [1, 1], train, held_out, 1, NO_DEADLINE)[0]):
        assert relative_rmse(fit.predict(network, x[heavy]), x[heavy]) < 1e-2
