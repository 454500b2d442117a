"""The command: what is run in which order, what is kept, and that the tables repeat it."""

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from training.__main__ import main
from training.data.mnist import Mnist
from training.errors import InputError
from training.research.sequences import command, records
from training.research.sequences.evaluate import success_bound
from training.research.sequences.findings import findings
from training.research.sequences.plan import MAIN, Run, runs
from training.research.sequences.published import PUBLISHED_ERRORS
from training.research.sequences.records import RunRecord
from training.research.sequences.render import write_report
from training.research.sequences.scores import rows_of, successes
from training.research.sequences.task import SEQUENCE_TASKS
from training.research.sequences.train import RunSettings


@pytest.fixture(autouse=True)
def unread() -> Iterator[None]:
    """Each test reads digits of its own."""
    command._digits.cache_clear()
    yield
    command._digits.cache_clear()


SUM, PRODUCT = MAIN["sum"][0], MAIN["product"][0]


def record(task: str = "sum", unit: str = "NAU", seed: int = 0, scale: float = 1.0) -> RunRecord:
    lengths = [str(length) for length in SEQUENCE_TASKS[task].lengths]
    mae = dict.fromkeys(lengths, scale * (1 + seed / 10))
    mse = {length: value**2 for length, value in mae.items()}
    return RunRecord(task, unit, seed, mae, mse, 0.001, 0.2, 0.5, [1.0, 1.0], 0.0, 100, 60.0, "2026-11-23")


def test_the_rows_that_tell_most_are_run_first() -> None:
    everything = runs(None, None, None)
    assert len(everything) == len(set(everything)) == 8 * 10 + 10 * 3
    assert everything[:3] == [Run("sum", "NAU on classes", 0), Run("sum", "NAU", 0), Run("sum", "oracle", 0)]
    assert {run.unit for run in everything[:24]} == {"NAU", "NMU", "oracle", "NAU on classes", "NMU on classes"}
    assert {run.seed for run in everything[-56:]} == set(range(3, 10))


def test_tasks_units_and_seeds_narrow_the_runs() -> None:
    assert runs(["Product"], ["nmu", "lstm"], 2) == [
        Run("product", "NMU", 0),
        Run("product", "NMU", 1),
        Run("product", "LSTM", 0),
        Run("product", "LSTM", 1),
    ]
    assert runs(["sum"], ["nau ON classes"], 1) == [Run("sum", "NAU on classes", 0)]
    with pytest.raises(InputError, match=r"--tasks parity is not a task on sequences; give sum, count, product\."):
        runs(["parity"], None, None)


@pytest.mark.slow
def test_an_interrupted_table_goes_on_with_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Run] = []

    def once(run: Run, *_: object, **__: object) -> RunRecord:
        if len(made) == 3:
            made.append(run)
            raise KeyboardInterrupt
        made.append(run)
        return replace(record(run.task, run.unit, run.seed), steps=SEQUENCE_TASKS[run.task].epochs * (1000 // 130))

    monkeypatch.setattr(command, "load_mnist", blank_mnist)
    monkeypatch.setattr(command, "run_once", once)
    arguments = ["sequences", "--tasks", "sum", "--units", "NAU", "oracle", "--seeds", "3", "--out", str(tmp_path)]
    assert main(arguments) == 130
    assert len(records.read(tmp_path / "sequences.json")) == 3
    assert (tmp_path / "sequences.md").exists()
    assert main(arguments) == 0
    assert made[3] == made[4]
    assert len(made) == 7
    assert len(records.read(tmp_path / "sequences.json")) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sequences.json", "sequences.md", "sequences.png"]


@pytest.mark.slow
def test_a_run_of_other_length_such_as_a_quick_one_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    records.add(tmp_path / "sequences.json", record())
    monkeypatch.setattr(command, "load_mnist", blank_mnist)
    monkeypatch.setattr(command, "run_once", lambda *_, **__: replace(record(scale=2.0), steps=84))
    arguments = ["sequences", "--tasks", "sum", "--units", "NAU", "--seeds", "1", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert [each.steps for each in records.read(tmp_path / "sequences.json")] == [84]
    assert main(arguments) == 0
    assert "1 of 1 runs are in" in capsys.readouterr().out


def blank_mnist() -> Mnist:
    return (
        np.zeros((6000, 28, 28), np.uint8),
        (np.arange(6000) % 10).astype(np.uint8),
        np.zeros((500, 28, 28), np.uint8),
        (np.arange(500) % 10).astype(np.uint8),
    )


@pytest.mark.slow
def test_the_tables_repeat_what_the_file_says(tmp_path: Path) -> None:
    kept = [record(unit=unit, seed=seed, scale=scale) for unit, scale in UNITS.items() for seed in range(3)]
    for each in kept:
        records.add(tmp_path / "sequences.json", each)
    assert records.read(tmp_path / "sequences.json") == kept
    write_report(kept, tmp_path)
    text = (tmp_path / "sequences.md").read_text()
    assert "| 1000 | 1.1 ± 0.1 | 1.1 ± 0.1 | 4.4 ± 0.4 | *57.3* | *248.9* | *8811.6* |" in text
    assert "| NAU | 3 | 100 | +0.0010 (largest 0.0010) | 0.200 | 0.5 ± 0 | [1, 1] | 60 s |" in text
    assert "| 1000 | 3/3 (0.44 - 1.00) | 0/3 (0.00 - 0.56) | *0.8* | *0.6* | *0* | *0* |" in text
    assert "2026-11-23" in text


UNITS = {"NAU": 1.0, "oracle": 1.0, "LSTM": 4.0}


def test_a_success_is_an_error_below_the_bound_of_the_baseline() -> None:
    oracles = [record(unit="oracle", seed=seed) for seed in range(3)]
    bound = success_bound([each.mse["10"] or 0 for each in oracles])
    assert bound is not None
    below, above = (replace(record(seed=seed), mse={"10": bound + off}) for seed, off in ((0, -1e-6), (1, 1e-6)))
    overflown = replace(record(seed=2), mse={"10": None})
    rows = rows_of([*oracles, below, above, overflown], "sum")
    assert successes(rows, "NAU", 10) == (1, 3)
    assert successes(rows_of([below], "sum"), "NAU", 10) is None


def test_what_was_to_be_shown_is_said_to_be_reached_or_not() -> None:
    good = [record(unit=SUM, seed=seed, scale=11) for seed in range(3)]
    assert "**Not reached**: an error below 11.46 at length 1000" in findings("sum", rows_of(good, "sum"))
    good = [record(unit=SUM, seed=seed, scale=10) for seed in range(3)]
    reported = " ".join(findings("sum", rows_of(good, "sum")).split())
    assert "**Reached**" in reported
    assert "it is 11, 5.2 times smaller" in reported
    assert "NAU on classes 3 of 10, NAU 0 of 10, oracle 0 of 10, NAC 0 of 3, NALU 0 of 3, LSTM 0 of 3." in reported
    assert "**Not shown**" in findings("sum", rows_of(good[:2], "sum"))
    oracles = [record("product", "oracle", seed) for seed in range(3)]
    poor = [record("product", PRODUCT, seed, scale=9 if seed == 2 else 1) for seed in range(3)]
    assert "**Not shown**" in findings("product", rows_of(poor, "product"))
    assert "**Not shown**: 2 seeds of NMU on classes" in findings("product", rows_of([*oracles, *poor[:2]], "product"))
    assert "**Not reached**" in findings("product", rows_of([*oracles, *poor], "product"))
    well = [replace(each, mse=oracles[0].mse) for each in poor]
    assert "**Reached**: a success rate of 0.8" in findings("product", rows_of([*oracles, *well], "product"))


def test_counts_that_diverge_are_listed_beside_the_median_of_those_that_hold() -> None:
    held = [record("count", MAIN["count"][0], seed) for seed in range(3)]
    away = replace(record("count", MAIN["count"][0], 3, scale=1e9), sparsity_error=0.4)
    reported = " ".join(findings("count", rows_of([*held, away], "count")).split())
    assert "were whole after training in 3 of 4 seeds, with a median error of 1.1 at length 1000" in reported
    assert "their counts diverge: 1.3e+09." in reported


def test_published_figures_are_of_lengths_that_are_tested_too() -> None:
    for published in PUBLISHED_ERRORS:
        assert set(published.figures) <= set(SEQUENCE_TASKS[published.task].lengths)
        assert published.kind in ("mae", "success")


@pytest.mark.parametrize(("old", "new"), [("given", "oracle"), ("NAU on votes", "NAU on classes")])  # alias: old names
def test_results_and_options_of_version_0_1_keep_their_names_as_aliases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str
) -> None:
    path = tmp_path / "sequences.json"
    path.write_text(json.dumps({"records": [asdict(record(unit=old))]}))
    assert records.read(path) == [record(unit=new)]
    for _ in range(2):
        assert runs(["sum"], [old], 1) == [Run("sum", new, 0)]
    assert capsys.readouterr().err == f"nalu-serve: --units '{old}' is called '{new}' now.\n"


def test_a_file_of_other_results_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sequences.json").write_text(json.dumps({"records": [{"unit": "NMU"}]}))
    with pytest.raises(InputError, match=r"has no results of sequences; move it away, or give another --out\."):
        records.read(tmp_path / "sequences.json")


def test_without_mnist_the_command_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sequences", "--quick"]) == 2
    assert "get MNIST with python -m training data mnist" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_quick_is_a_few_short_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    seen: list[tuple[Run, int, int]] = []

    def once(run: Run, parts: object, settings: RunSettings, sequences: int, title: str) -> RunRecord:
        seen.append((run, settings.epochs, sequences))
        return record(run.task, run.unit, run.seed)

    monkeypatch.setattr(command, "load_mnist", blank_mnist)
    monkeypatch.setattr(command, "run_once", once)
    command.run_sequences(Namespace(quick=True, tasks=None, units=None, seeds=None, out=None, on=None, jobs=None))
    assert [run.unit for run, _, _ in seen] == ["NAU", "NMU", "oracle", "oracle"]
    assert {(epochs, sequences) for _, epochs, sequences in seen} == {(1, command.QUICK_SEQUENCES)}
    assert (tmp_path / "reports" / "sequences.md").exists()
