"""The harness that runs other tools: one measure for all, a hard limit, and a page with wins and losses."""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from benchmarks import environments
from benchmarks.environments import Environment, InstallError
from benchmarks.laws.cases import CASES
from benchmarks.laws.peers.command import cores, installed, levels
from benchmarks.laws.peers.measure import Plan, observed, trials
from benchmarks.laws.peers.report import markdown, write
from benchmarks.laws.peers.task import Task
from benchmarks.laws.peers.tools import OURS, PEERS
from benchmarks.laws.peers.trial import Answer, error_outside, is_solved, run

PROGRAM = "tests.benchmarks.fake_peer"
TRUTH = np.linspace(1, 5, 1000)


def answer(what: str, seconds: float) -> Answer:
    inputs = np.ones((3, 1))
    task = Task(Path(), inputs, inputs[:, 0], np.full((4, 1), 7.0), [what], 0.0, seconds)
    return run(Path(sys.executable), PROGRAM, task, seconds)


@pytest.mark.slow
def test_the_last_answer_before_the_limit_counts_and_the_process_is_killed() -> None:
    started = perf_counter()
    late = answer("slow", 0.3)
    assert perf_counter() - started < 30
    assert late.predicted is not None
    np.testing.assert_array_equal(late.predicted, 14.0)
    assert (late.formula, late.problem) == ("2*a", None)
    assert late.seconds == pytest.approx(0.3, abs=0.2)


@pytest.mark.slow
def test_a_tool_that_fails_has_no_answer_and_its_last_line_says_why() -> None:
    broken, silent = answer("broken", 30), answer("silent", 30)
    assert broken.predicted is silent.predicted is None
    assert broken.problem == "ValueError: no such thing"
    assert silent.problem is None


@pytest.mark.parametrize(
    ("factor", "error", "clean", "noisy"),
    [(1 + 1e-8, 1e-8, True, True), (1 + 1e-4, 1e-4, False, True), (1.02, 0.02, False, False), (-1, 2, False, False)],
)
def test_the_law_without_noise_decides_within_the_noise(factor: float, error: float, clean: bool, noisy: bool) -> None:
    measured = error_outside(factor * TRUTH, TRUTH)
    assert measured == pytest.approx(error)
    assert (is_solved(measured, 0.0), is_solved(measured, 0.01)) == (clean, noisy)


def test_a_twentieth_of_the_points_may_be_off_and_not_more() -> None:
    few, many = TRUTH.copy(), TRUTH.copy()
    few[:49], many[:52] = np.nan, np.nan
    assert is_solved(error_outside(few, TRUTH), 0.0)
    assert error_outside(many, TRUTH) > 1e9
    assert not is_solved(error_outside(None, TRUTH), 0.01)


def test_errors_of_a_target_are_in_proportion_and_the_same_for_every_tool() -> None:
    case = CASES["products"](np.random.default_rng(0))
    target = case.target[:, 0]
    errors = observed(case, 0.01, 3) / target - 1
    assert errors.std() == pytest.approx(0.01, rel=0.1)
    np.testing.assert_array_equal(observed(case, 0.01, 3), observed(case, 0.01, 3))
    np.testing.assert_array_equal(observed(case, 0.0, 3), target)
    assert levels("products", [0.0, 0.01]) == [0.0, 0.01]
    assert levels("noisy", [0.0, 0.01]) == [0.03]
    own = CASES["noisy"](np.random.default_rng(0))
    np.testing.assert_array_equal(observed(own, 0.01, 3), own.target[:, 0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", CASES)
def test_every_kind_of_law_is_a_task(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Task] = []

    def stub(python: Path, program: str, task: Task, *_: Any) -> Answer:
        given.append(task)
        return Answer(None, None, 1.0)

    monkeypatch.setattr("benchmarks.laws.peers.measure.run", stub)
    [result] = trials(Plan({OURS: Path()}, 1.0, 0, [None]), kind, 0.01, 0)
    assert given[0].inputs.shape == (len(given[0].target), len(given[0].columns))
    assert (result["solved"], result["error"]) == (False, None)


def test_a_tool_that_does_not_install_is_named_with_its_error_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(command: tuple[str, ...], **_: Any) -> "subprocess.CompletedProcess[str]":
        return subprocess.CompletedProcess(command, 1, "", "Collecting x\nERROR: No matching distribution\nnotice\n")

    monkeypatch.setattr(environments.subprocess, "run", fails)
    message = "gplearn does not install (gplearn==0.4.3 scikit-learn==1.9.1): ERROR: No matching distribution"
    with pytest.raises(InstallError) as raised:
        PEERS["gplearn"].python(tmp_path)
    assert str(raised.value) == message
    assert installed([OURS, "gplearn"], tmp_path) == ({OURS: Path(sys.executable)}, {"gplearn": message})
    assert message in capsys.readouterr().out
    with pytest.raises(SystemExit, match="No tool is left to measure"):
        installed(["gplearn"], tmp_path)


def test_an_environment_is_made_once_and_again_when_its_versions_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []

    def works(command: tuple[str, ...], **_: Any) -> "subprocess.CompletedProcess[str]":
        commands.append(command)
        (tmp_path / "x").mkdir(exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(environments.subprocess, "run", works)
    peer = Environment("x", ("x==1",), ("builder==2",))
    python = peer.python(tmp_path)
    assert [command[-1] for command in commands] == [str(tmp_path / "x"), "builder==2", "x==1"]
    assert "--no-build-isolation" in commands[-1]
    assert peer.python(tmp_path) == python
    assert len(commands) == 3
    Environment("x", ("x==2",)).python(tmp_path)
    assert len(commands) == 5


def test_every_other_tool_is_pinned_and_has_a_program() -> None:
    for peer in PEERS.values():
        assert all("==" in requirement for requirement in (*peer.requirements, *peer.first))
        assert (Path(environments.__file__).parents[1] / f"{peer.program.replace('.', '/')}.py").is_file()


def result(number: int, tool: str, solved: bool, error: float | None, formula: str | None = "a") -> dict[str, Any]:
    law = f"{number}*a"
    return {"table": number, "tool": tool, "truth": law, "formula": formula, "solved": solved, "error": error}


def test_the_page_counts_wins_losses_and_what_float32_costs(tmp_path: Path) -> None:
    results = [
        *(result(0, tool, solved, error) for tool, solved, error in ((OURS, True, 0.0), ("pyoperon", False, 1e-4))),
        *(result(1, tool, solved, error) for tool, solved, error in ((OURS, False, 0.5), ("pyoperon", True, 1e-6))),
        result(2, OURS, False, None, None),
        result(2, "pyoperon", False, 3.0),
    ]
    entry = {"kind": "sums", "noise": 0.0, "seed": 1, "seconds": 20.0, "results": results}
    write(tmp_path, entry, {"eggp": "eggp does not install (eggp==2.2.2): ERROR"})
    page = (tmp_path / "laws-peers.md").read_text(encoding="utf-8")
    solved, close = page.split("## Right to 0.1%")
    assert "| sums | 0% | **1 of 3** | **1 of 3** |" in solved
    assert "| sums | 0% | 1 of 3 | **2 of 3** |" in close
    assert "| pyoperon | 0 | 1 | 1 | 1 |" in page
    assert "claimed 2 formulas, 1 of them not solved" in page
    assert "| sums | 0% | `1*a` | pyoperon | `a` |" in page
    assert "- eggp does not install (eggp==2.2.2): ERROR" in page
    write(tmp_path, {**entry, "results": results[:2]}, {})
    assert "| pyoperon | 0 | 1 | 0 | 0 |" in (tmp_path / "laws-peers.md").read_text(encoding="utf-8")
    assert markdown({"unavailable": {}, "runs": [{**entry, "machine": "m"}]}).count("## ") == 4


@pytest.mark.parametrize(("change", "kept"), [({}, ["gplearn"]), ({"seed": 2}, []), ({"seconds": 60.0}, [])])
def test_a_tool_measured_later_stands_beside_the_others_on_the_same_tables(
    tmp_path: Path, change: dict[str, Any], kept: list[str]
) -> None:
    entry = {"kind": "sums", "noise": 0.0, "seed": 1, "seconds": 20.0}
    first = [result(0, OURS, False, 1.0), result(0, "gplearn", True, 0.0), result(7, "gplearn", True, 0.0)]
    write(tmp_path, {**entry, "results": first}, {})
    write(tmp_path, {**entry, **change, "results": [result(0, OURS, True, 0.0)]}, {})
    (run,) = json.loads((tmp_path / "laws-peers.json").read_text(encoding="utf-8"))["runs"]
    assert [(each["table"], each["tool"]) for each in run["results"]] == [*((0, tool) for tool in kept), (0, OURS)]
    assert run["results"][-1]["solved"]


def test_tables_at_a_time_have_a_core_each_as_far_as_there_are_cores() -> None:
    many = cores(1000)
    assert len(many) == 1000
    chosen = [core for core in many if core is not None]
    assert len(set(chosen)) == len(chosen)
