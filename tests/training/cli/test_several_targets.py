"""``fit`` with several targets: one model each, under names of their own, and no target an input of another."""

from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models.manifest import Manifest
from tests.training.trainer.pickling import PicklingExecutor
from training.__main__ import main
from training.cli.validators import names_of_targets
from training.errors import InputError
from training.tabular.fit import FitConfig


@pytest.fixture
def table(tmp_path: Path) -> Path:
    a, b = np.random.default_rng(0).uniform(1, 9, (2, 60))
    rows = zip(a, b, a * b, a + b, strict=True)
    lines = ["a,b,y 1,y2", *(",".join(f"{float(value)!r}" for value in row) for row in rows)]
    (tmp_path / "two.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "two.csv"


@pytest.mark.slow
def test_each_target_gets_a_model_of_its_own_from_what_other_processes_return(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.trainer.executors.processes.ProcessExecutor", PicklingExecutor)
    where = ["--jobs", "2", "--repository", str(table.parent / "models"), "--plots", str(table.parent)]
    assert main(["fit", "--target", "y 1", "--target", "y2", "--restarts", "1", str(table), *where]) == 0
    printed = capsys.readouterr().out
    for name, formula in (("two-y-1", "a * b"), ("two-y2", "a + b")):
        manifest = Manifest.read(table.parent / "models" / name / "1")
        assert (manifest.columns, manifest.formula) == (["a", "b"], formula)
        assert f"{name}: {formula}" in printed
        assert (table.parent / f"{name}.png").is_file()


class Pending(Future[Any]):
    """A future that nobody may wait for."""

    def result(self, timeout: float | None = None) -> Any:
        assert self.done()
        return super().result(timeout)


def test_a_target_is_exported_as_soon_as_it_is_fitted(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interruption keeps it, whether or not those before it are fitted."""
    first, second = Pending(), Pending()
    second.set_result("second")
    submitted = iter([first, second])
    exported: list[tuple[str, str]] = []

    def export(_options: object, config: FitConfig, _split: object, fitted: str) -> None:
        exported.append((config.name, fitted))
        if fitted == "second":
            first.set_result("first")

    executor = SimpleNamespace(submit=lambda *_: next(submitted))
    monkeypatch.setattr("training.trainer.executors.processes.ProcessExecutor", lambda _: nullcontext(executor))
    monkeypatch.setattr("training.cli.fit_command._export", export)
    where = ["--jobs", "2", "--repository", str(table.parent / "models"), "--plots", str(table.parent)]
    assert main(["fit", str(table), "--target", "y 1", "--target", "y2", *where]) == 0
    assert exported == [("two-y2", "second"), ("two-y-1", "first")]


def test_a_second_target_that_the_table_lacks_is_said_before_the_first_is_fitted(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training.tabular.fit.fit", lambda *_: pytest.fail("training began"))
    assert main(["fit", str(table), "--target", "y2", "--target", "z", "--repository", str(table.parent / "m")]) == 2
    assert "has no column 'z'" in capsys.readouterr().err
    assert not (table.parent / "m").exists()


def test_a_list_of_targets_is_refused_with_the_repair(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["data.csv", "--target", "y1", "y2"], ["--target", "y1", "y2", "data.csv"]):
        with pytest.raises(SystemExit) as ended:
            main(["fit", *arguments])
        assert ended.value.code == 2
        repair = f"{arguments[-1]}; name each target by an option of its own, as in --target y1 --target y2\n"
        assert capsys.readouterr().err.endswith(f"unrecognized arguments: {repair}")


def test_one_target_leaves_the_name_as_it_is() -> None:
    assert names_of_targets("trips", ["fuel used"]) == {"fuel used": "trips"}
    assert names_of_targets("trips", ["fuel used", "Größe"]) == {"fuel used": "trips-fuel-used", "Größe": "trips-Gro-e"}


@pytest.mark.parametrize(
    ("name", "targets", "message"),
    [
        ("m", ["y", "y"], r"^--target names 'y' twice; name each target once\.$"),
        ("m", ["y 1", "y-1"], r"^The target 'y-1' gives the model the name 'm-y-1', which another has; rename the col"),
        (
            "m",
            ["y1", "Y1"],
            r"^The target 'Y1' gives the model the name 'm-Y1', which differs from another in case alone; ",
        ),
        ("m", ["y", "?"], r"^The target '\?' gives the model the name 'm-', which lacks its own part; rename the col"),
        ("m" * 64, ["y", "z"], r"^The model's name 'm+-y' may hold .* up to 64"),
    ],
)
def test_names_that_models_cannot_have_are_one_sentence(name: str, targets: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        names_of_targets(name, targets)
