"""The command line, in process: what it writes, prints and refuses."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.units import UNITS
from training.__main__ import main
from training.data.mnist import FOLDER


def table(folder: Path, rows: int = 60) -> Path:
    x = np.random.default_rng(0).uniform(1, 10, (rows, 2))
    path = folder / "sales.csv"
    lines = [f"{price},{pieces},{price - pieces}" for price, pieces in x]
    path.write_text("\n".join(["price,rebate,total", *lines]))
    return path


def listing(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.slow
def test_fit_writes_a_model_and_says_where_it_lies_and_how_to_serve_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, repository = table(tmp_path), tmp_path / "models"
    arguments = ["--target", "total", "--repository", str(repository), "--plots", str(tmp_path), "--restarts", "2"]
    assert main(["fit", str(data), *arguments]) == 0
    manifest = json.loads((repository / "sales" / "1" / "manifest.json").read_text())
    assert (manifest["unit"], manifest["formula"]) == ("Law", "price - rebate")
    assert manifest["latex"] == "price - rebate"
    assert manifest["dims"] == [2, 2, 1, 1]
    assert manifest["training"]["command"].startswith(f"python -m training fit {data} --target total")
    assert manifest["metrics"]["extrapolation"]["relative_rmse"] < 1e-9
    assert (tmp_path / "sales.png").exists()
    reported = capsys.readouterr().out
    assert "sales: price - rebate" in reported
    assert "MLP, equal size" in reported
    assert f"serve    python -m app --repository {repository}" in reported
    assert "predict  curl localhost:8000/predict/arithmetic -d" in reported


@pytest.mark.slow
def test_a_law_is_exported_and_printed_before_its_plots_are_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.tabular.fit.plot", interrupted)
    arguments = ["--target", "total", "--repository", str(tmp_path / "models"), "--plots", str(tmp_path)]
    assert main(["fit", str(table(tmp_path)), *arguments]) == 130
    assert "sales: price - rebate" in capsys.readouterr().out
    assert (tmp_path / "models" / "sales" / "1" / "manifest.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "reported"),
    [("x % 3", "Do not trust it outside the training range"), ("x > 0.5", "extrapolation is not measured")],
)
def test_what_is_not_learned_is_said_plainly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], law: str, reported: str
) -> None:
    data = tmp_path / "data.csv"
    inputs = [i % 2 for i in range(40)] if ">" in law else [i / 4 for i in range(80)]
    data.write_text("x,y\n" + "".join(f"{x},{float(eval(law))}\n" for x in inputs))
    arguments = ["--target", "y", "--restarts", "1", "--repository", str(tmp_path / "r"), "--plots", str(tmp_path)]
    assert main(["fit", str(data), *arguments, "--seconds", "1"]) == 0
    assert reported in capsys.readouterr().out


@pytest.mark.slow
def test_a_table_without_a_law_makes_a_model_that_claims_no_formula(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.random.default_rng(0).uniform(-3, 3, 200)
    data, repository = tmp_path / "wave.csv", tmp_path / "models"
    data.write_text("x,y\n" + "".join(f"{value},{math.erf(value)}\n" for value in x))
    arguments = ["--target", "y", "--restarts", "1", "--seconds", "1"]
    assert main(["fit", str(data), *arguments, "--repository", str(repository), "--plots", str(tmp_path)]) == 0
    manifest = json.loads((repository / "wave" / "1" / "manifest.json").read_text())
    assert (manifest["unit"], manifest["formula"], manifest["latex"]) == ("Approximation", None, None)
    assert manifest["summary"] == "y: no law found, not to be trusted outside its training range"
    reported = capsys.readouterr().out
    assert re.search(
        r"^No law found: .+\. The model only fits its training range; do not trust it outside\.$",
        reported,
        re.MULTILINE,
    )
    assert "wave: no formula valid for every input" in reported


@pytest.mark.slow
def test_a_form_that_is_no_law_is_printed_with_its_constants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.random.default_rng(0).uniform(1, 3, 80)
    data = tmp_path / "wave.csv"
    data.write_text("x,y\n" + "".join(f"{value},{2 * value + math.sin(value)}\n" for value in x))
    arguments = ["--target", "y", "--form", "a*x + b", "--seconds", "1", "--repository", str(tmp_path / "r")]
    assert main(["fit", str(data), *arguments, "--plots", str(tmp_path)]) == 0
    reported = capsys.readouterr().out
    best = re.search(r"^best +(\S+) \* x \+ (\S+)  \(off by (\S+)\)$", reported, re.MULTILINE)
    assert "No law found" in reported
    assert best is not None
    residuals = 2 * x + np.sin(x) - np.polyval(np.polyfit(x, 2 * x + np.sin(x), 1), x)
    assert float(best[1]) == pytest.approx(1.4, abs=0.3)
    assert float(best[3]) == pytest.approx(np.sqrt(np.mean(residuals**2)) / np.sqrt(np.mean((2 * x) ** 2)), rel=0.5)


@pytest.mark.slow
def test_a_slip_that_hides_a_law_is_named_by_its_row_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{a},{b},{a * b}" for a, b in np.random.default_rng(0).uniform(1, 10, (200, 2))]
    rows[3], rows[99] = "1,,2", "5,5.5,1e6"
    data = tmp_path / "trips.csv"
    data.write_text("\n".join(["a,b,y", *rows]))
    arguments = ["--target", "y", "--restarts", "1", "--seconds", "1", "--drop-incomplete"]
    assert main(["fit", str(data), *arguments, "--repository", str(tmp_path / "r"), "--plots", str(tmp_path)]) == 0
    reason = "row 100 does not follow a * b, as all other training rows do; correct it or leave it out"
    assert f"No law found: {reason}. The model only fits" in capsys.readouterr().out


@pytest.mark.slow
def test_fit_prints_the_law_as_text_and_as_latex(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    m, v = np.random.default_rng(0).uniform(1, 10, (2, 60))
    data, repository = tmp_path / "energy.csv", tmp_path / "models"
    data.write_text("m,v,E\n" + "".join(f"{a},{b},{0.5 * a * b**2}\n" for a, b in zip(m, v, strict=True)))
    arguments = ["--target", "E", "--restarts", "1", "--repository", str(repository), "--plots", str(tmp_path)]
    assert main(["fit", str(data), *arguments]) == 0
    manifest = json.loads((repository / "energy" / "1" / "manifest.json").read_text())
    assert manifest["formula"] == "0.5 * m * v**2"
    assert manifest["latex"] == "0.5 m v^{2}"
    reported = capsys.readouterr().out
    assert "energy: 0.5 * m * v**2\nLaTeX    0.5 m v^{2}\n" in reported
    assert "No law found" not in reported
    assert main(["export", "energy", "--repository", str(repository)]) == 0
    again = json.loads((repository / "energy" / "2" / "manifest.json").read_text())
    assert (again["formula"], again["latex"]) == ("0.5 * m * v**2", "0.5 m v^{2}")


@pytest.mark.slow
def test_the_same_seed_writes_the_same_weights_as_a_new_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.tabular.optimise.ADAM_STEPS", 20)
    monkeypatch.setattr("training.tabular.optimise.LBFGS_ROUNDS", 1)
    monkeypatch.setattr("training.tabular.fit.check_unit_export", lambda *_: None)  # as slow as the export itself
    data, repository = table(tmp_path), tmp_path / "models"
    common = ["fit", str(data), "--target", "total", "--unit", "nalu", "--restarts", "1", "--plots", str(tmp_path)]
    for _ in range(2):
        assert main([*common, "--repository", str(repository)]) == 0
    first, second = ((repository / "sales" / v / "weights.safetensors").read_bytes() for v in ("1", "2"))
    assert first == second


def test_evaluate_measures_rows_within_and_beyond_the_range(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "far.csv"
    data.write_text("a,b,y\n1,2,3\n-5,5,0\n1000,2000,3001\n")
    assert main(["evaluate", "add", "--data", str(data)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Law"))
    within, beyond = (float(value) for value in line.split()[1:])
    assert within < 1e-9
    assert beyond == pytest.approx(1 / 3001, rel=0.05)


WITH_MNIST = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"needs MNIST in {FOLDER}")


@pytest.mark.parametrize("name", ["multiply", "divide", "square-root"])
def test_evaluate_repeats_the_errors_of_the_manifest(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = json.loads(Path(f"repository/{name}/1/manifest.json").read_text())
    assert main(["evaluate", name]) == 0
    [title, *_, line] = capsys.readouterr().out.strip().splitlines()
    assert title == f"{name} version 1: {manifest['formula']}"
    expected = [manifest["metrics"][part]["relative_rmse"] for part in ("interpolation", "extrapolation")]
    unit, *errors = line.split()
    assert unit == manifest["unit"]
    assert [float(error) for error in errors] == pytest.approx(expected, abs=1e-15)


@WITH_MNIST
@pytest.mark.parametrize("name", ["digit", "digit-sum"])
def test_evaluate_repeats_the_accuracies_of_the_manifest(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = json.loads(Path(f"repository/{name}/1/manifest.json").read_text())["metrics"]
    assert main(["evaluate", name]) == 0
    printed = capsys.readouterr().out
    for part, title in (("interpolation", "as in training"), ("extrapolation", "beyond training")):
        [line] = [line for line in printed.splitlines() if line.startswith(title)]
        assert f"{metrics[part].get('accuracy', metrics[part].get('rounded_accuracy')):.2%} right" in line


def test_evaluating_digits_without_mnist_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.recipes.base.images.FOLDER", tmp_path)
    assert main(["evaluate", "digit"]) == 2
    assert f"get MNIST with python -m training data mnist --to {tmp_path}" in capsys.readouterr().err


@pytest.mark.slow
def test_export_writes_the_next_version_from_the_checkpoint(tmp_path: Path) -> None:
    for name in ("divide", "digit"):
        target = tmp_path / name / "1"
        target.mkdir(parents=True)
        for path in Path(f"repository/{name}/1").iterdir():
            (target / path.name).write_bytes(path.read_bytes())
        assert main(["export", name, "--repository", str(tmp_path)]) == 0
        old, new = (json.loads((tmp_path / name / v / "manifest.json").read_text()) for v in ("1", "2"))
        assert new["metrics"] == old["metrics"]
        weights = [load_file(tmp_path / name / v / "weights.safetensors") for v in ("1", "2")]
        assert weights[0].keys() == weights[1].keys()
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "none.csv", "--target", "y"], "none.csv cannot be read (No such file or directory); give the path"),
        (["fit", "text.csv", "--target", "y"], "text.csv, row 2, column 'a' is 'x', which is not a number;"),
        (["fit", "text.csv", "--target", "z"], "text.csv has no column 'z'; its columns are a, y."),
        (["fit", "empty.csv", "--target", "y"], "empty.csv has no rows below its header; add at least one row"),
        (["fit", "constant.csv", "--target", "y"], "constant.csv has the target 7 in every training row, so there"),
        (
            ["fit", "short.csv", "--target", "y"],
            "short.csv has 2 rows; training and checking need at least 10, so add rows.",
        ),
        (["fit", "short.csv", "--target", "y", "--columns", "a", "a"], "--columns names 'a' twice; name each column"),
        (
            ["fit", "short.csv", "--target", "y", "--unit", "MLP"],
            f"Unknown unit 'MLP'. Available: {', '.join(sorted([*UNITS.names(), 'auto'], key=str.lower))}.\n",
        ),
        (["fit", "short.csv", "--target", "y", "--name", "../up"], "The model's name '../up' may hold letters"),
        (["fit-images", "labels.csv", "--images", "no", "--task", "regression"], "no is not a folder; give the"),
        (["fit-images", "labels.csv", "--images", ".", "--task", "regression"], "labels.csv: 2 of 2 rows cannot be us"),
        (["evaluate", "nothing"], "models has no model 'nothing'; train one, or give another --repository."),
        (["zoo", "nothing"], "Unknown default model 'nothing'. Available: add, digit, "),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_code_2_and_nothing_is_written(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.csv").write_text("a,y\n1,2\nx,3\n")
    Path("empty.csv").write_text("a,y\n")
    Path("short.csv").write_text("a,y\n1,2\n3,4\n")
    Path("constant.csv").write_text("a,y\n" + "".join(f"{i},7\n" for i in range(20)))
    Path("labels.csv").write_text("file,label\ngone.png,1\ngone.png,2\n")
    before = listing(tmp_path)
    name = ["--name", "shade"] if arguments[0] == "fit-images" else []
    assert main([*arguments, *name, "--repository", "models"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"nalu-serve: {message}")
    assert printed.err.count("\n") == 1
    assert listing(tmp_path) == before


@pytest.mark.slow
def test_an_interruption_leaves_no_half_written_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.export.network_files.save_checkpoint", interrupted)
    repository = tmp_path / "models"
    arguments = ["--target", "total", "--repository", str(repository), "--plots", str(tmp_path), "--restarts", "1"]
    assert main(["fit", str(table(tmp_path)), *arguments]) == 130
    assert "no half-written model is left behind" in capsys.readouterr().err
    assert listing(repository) == []


@pytest.mark.parametrize("option", ["--repository", "--plots"])
def test_a_folder_that_cannot_be_written_to_is_said_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    monkeypatch.setattr("training.tabular.fit.fit", lambda *_: pytest.fail("training began"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert main(["fit", str(table(tmp_path)), "--target", "total", option, "file"]) == 2
    reported = capsys.readouterr().err
    assert (
        reported
        == "nalu-serve: file cannot be written to (File exists); give a folder that can, or change its permissions.\n"
    )


def test_an_evaluation_without_rows_in_the_range_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tmp_path / "far.csv"
    data.write_text("a,b,y\n200,300,60000\n")
    assert main(["evaluate", "multiply", "--data", str(data)]) == 0
    assert "no rows" in capsys.readouterr().out


@pytest.mark.slow
def test_help_of_every_command_needs_no_pytorch() -> None:
    code = (
        "import sys; from training.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "finally: assert not {'torch', 'numpy', 'onnx', 'sklearn'} & sys.modules.keys()"
    )
    for command in ([], ["fit"], ["fit-images"], ["sequences"]):
        done = subprocess.run([sys.executable, "-c", code, *command, "--help"], check=True, capture_output=True)
        assert b"usage: python -m training" in done.stdout


@pytest.mark.parametrize("option", [["--restarts", "0"], ["--restarts", "many"], ["--hidden", "0"], ["--seconds", "0"]])
def test_options_out_of_range_say_the_rule(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "data.csv", "--target", "y", *option])
    assert f"'{option[1]}' is not a whole number of at least 1" in capsys.readouterr().err
