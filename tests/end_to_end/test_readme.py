"""The README is true: its code runs, its requests are answered as shown, its tables are the manifests'."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from app.settings import Settings
from models.manifest import Manifest
from tests.end_to_end.server import ROOT, serve

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_code_runs_and_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for block in blocks("python"):
        if "localhost:8000" in block:
            continue
        environment = {"PYTHONPATH": str(ROOT), "PATH": "", "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", block], capture_output=True, text=True, check=True, env=environment
        )
        for said in re.findall(r"print\(.*\)  # (.*)", block):
            assert done.stdout.strip() == said


def test_the_client_code_gets_what_it_says() -> None:
    [block] = [block for block in blocks("python") if "localhost:8000" in block]
    with serve() as server:
        code = block.replace("localhost:8000", server.url.removeprefix("http://"))
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.findall(r"print\(.*\)  # (.*)", block) == [done.stdout.strip()]


def test_the_fit_of_the_readme_finds_the_law(tmp_path: Path) -> None:
    data, fit = (block for block in blocks("python") + blocks("console") if "trips" in block)
    subprocess.run([sys.executable, "-c", data], cwd=tmp_path, check=True)
    command, *shown = fit.strip().splitlines()
    arguments = shlex.split(command.removeprefix("$ python "))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )
    said = done.stdout.strip().splitlines()
    wanted = [line for line in shown if line]
    assert [line.split()[0] for line in said if line] == [line.split()[0] for line in wanted]
    for line in wanted:
        if not line.startswith(("Law", "MLP", "ask")):
            assert line in said
    assert json.loads((tmp_path / "repository/trips/1/manifest.json").read_text())["formula"] in wanted[0]


def test_requests_are_answered_as_shown(tmp_path: Path) -> None:
    with serve() as server:
        for block in blocks("console"):
            if not block.startswith("$ curl"):
                continue
            *commands, answer = block.strip().splitlines()
            for command in commands:
                line = command.removeprefix("$ ").replace("localhost:8000", server.url.removeprefix("http://"))
                done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=True)
            if "{...}" in answer:
                assert done.stdout.startswith(answer.split("{...}")[0])
                continue
            shown, said = json.loads(answer), json.loads(done.stdout)
            for row, expected in zip(said.pop("predictions"), shown.pop("predictions"), strict=True):
                assert row == (None if expected is None else pytest.approx(expected, rel=1e-9))
            assert said == shown


def test_every_setting_is_in_the_readme_with_its_default() -> None:
    listed = {
        name: value
        for names, values in re.findall(r"^\| ((?:`NALU_\w+`(?:, )?)+) \| ([^|]+) \|", README, re.MULTILINE)
        for name, value in zip(re.findall(r"`(NALU_\w+)`", names), values.replace("`", "").split(", "), strict=True)
    }
    fields = {f"NALU_{name.upper()}": field.default for name, field in Settings.model_fields.items()}
    assert listed.keys() == fields.keys()
    for name, default in fields.items():
        assert listed[name].strip() == shown(default), name


def shown(default: object) -> str:
    if default is None:
        return "unset"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


@pytest.mark.parametrize(
    "name", sorted(path.name for path in (ROOT / "repository").iterdir() if "digit" not in path.name)
)
def test_the_arithmetic_table_repeats_the_manifests(name: str) -> None:
    manifest = Manifest.read(ROOT / "repository" / name / "1")
    inside, beyond, far = (manifest.metrics[part] for part in ("interpolation", "extrapolation", "far"))
    figures = [
        inside["relative_rmse"],
        beyond["relative_rmse"],
        far["max_relative_error"],
        beyond["mlp"]["relative_rmse"],
    ]
    cells = [f"`{name}`", f"`{manifest.formula}`", *(f"{v:.0e}" if v < 0.1 else f"{v:.2g}" for v in figures)]
    assert f"| {' | '.join(cells)} |" in README


@pytest.mark.parametrize("name", ["digit", "digit-value"])
def test_the_picture_table_repeats_the_manifests(name: str) -> None:
    manifest = Manifest.read(ROOT / "repository" / name / "1")
    parts = (manifest.metrics["interpolation"], manifest.metrics["extrapolation"])
    plain = [part["plain_head"] for part in parts if "plain_head" in part]

    def figure(errors: dict[str, float]) -> str:
        if "accuracy" in errors:
            return f"{errors['accuracy']:.1%}"
        return f"error {errors['mae']:.2f}"

    cells = [f"`{name}`", manifest.unit, *map(figure, parts), ", ".join(map(figure, plain))]
    assert f"| {' | '.join(cells)} |" in README
