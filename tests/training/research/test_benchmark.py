"""The benchmark: its thresholds, samples and counts against independent oracles, its files and its command."""

import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from models.hyperparameters import Hyperparameters
from models.units import UNITS
from tests.training.trainer.pickling import PicklingExecutor
from training.__main__ import main
from training.research.benchmark import command, records
from training.research.benchmark.comparisons import COMPARING, digit_pairs
from training.research.benchmark.evaluation import ErrorTally, Evaluation, sparsity_errors
from training.research.benchmark.plan import LAW, Group, canonical, groups, unit_spec
from training.research.benchmark.published import PUBLISHED_RATES
from training.research.benchmark.records import SuccessRecord
from training.research.benchmark.render import write_report
from training.research.benchmark.restarts import Restarts
from training.research.benchmark.run import Scale, problem, run
from training.research.benchmark.task import (
    DIGIT_RANGES,
    OPERATIONS,
    RANGES,
    TWO_LAYERS,
    Range,
    UniformStream,
    evaluation_set,
)
from training.research.benchmark.thresholds import threshold
from training.research.ensemble import Ensemble

PUBLISHED_THRESHOLDS = {  # extrapolation interval: + and -, *, /
    (20, 40): (3.667e-7, 3.484e-4, 4.667e-10),
    (2, 6): (6.667e-9, 1.202e-7, 5.778e-10),
    (-6.1, -1.2): (5.729e-9, 9.392e-8, 8.373e-10),
    (1.2, 6): (5.568e-9, 8.856e-8, 8.267e-10),
    (0.2, 2): (5.380e-10, 8.762e-10, 1.480e-9),
}
EASY = [r for r in RANGES if r.name in ("[1, 2]", "[10, 20]")]
EPSILON = 1e-3
VARIANTS = ("auto", "DMU-add", "DMU-sub", "NAC-NAC-dot", "NALU-NALU", "NAU-NMU", "NSR-select", "RealNPU-modified")
CONTESTANTS = sorted([*UNITS.names(), *VARIANTS], key=str.lower)


def record(unit: str = "NMU", operation: str = "multiply", **fields: object) -> SuccessRecord:
    return replace(SuccessRecord(unit, operation, 2, "[1, 2]", 25, 20, 3000, 1e-7), **fields)


@pytest.mark.parametrize(("interval", "expected"), PUBLISHED_THRESHOLDS.items())
def test_thresholds_are_the_published_ones(interval: tuple[float, float], expected: Sequence[float]) -> None:
    for operation, value in zip(("add", "multiply", "divide"), expected, strict=True):
        assert threshold(operation, [interval]) == pytest.approx(value, rel=2e-4)
    assert threshold("subtract", [interval]) == threshold("add", [interval])


def test_the_threshold_of_two_mirrored_intervals_is_that_of_one() -> None:
    for operation in ("add", "multiply", "divide", "square", "square-root", "reciprocal"):
        assert threshold(operation, [(-6, -2), (2, 6)]) == pytest.approx(threshold(operation, [(2, 6)]))


def perturbed(operation: str, x: np.ndarray) -> np.ndarray:
    """What a model with weights off by epsilon says, as ``generate_exp_thresholds.r`` simulates it."""
    off = 1 - EPSILON
    irrelevant = np.prod(1 - EPSILON * np.abs(x[2:]), axis=0)
    if operation == "product-of-sums":
        return (off * (x[0] + x[1]) + EPSILON * (x[2] + x[3])) * off * x.sum(0)
    return {
        "add": lambda: x[0] + x[1] - EPSILON * np.abs(x).sum(0),
        "subtract": lambda: x[0] - x[1] - EPSILON * np.abs(x).sum(0),
        "multiply": lambda: off**2 * x[0] * x[1] * irrelevant,
        "divide": lambda: off / (1 + EPSILON) * x[0] / x[1] * irrelevant,
        "square": lambda: (off * x[0]) ** 2,
        "square-root": lambda: np.sqrt(np.abs(off * x[0])),
        "reciprocal": lambda: 1 / ((1 + EPSILON) * x[0]),
    }[operation]()


@pytest.mark.parametrize("inputs", [2, 10])
@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name not in {*TWO_LAYERS, *COMPARING}])
def test_thresholds_are_what_simulation_finds(operation: str, inputs: int) -> None:
    x = np.random.default_rng(0).uniform(1.2, 6, (inputs, 400_000))
    truth = OPERATIONS[operation].law(torch.from_numpy(x)).numpy()
    simulated = np.mean((perturbed(operation, x) - truth) ** 2)
    assert threshold(operation, [(1.2, 6)], inputs, EPSILON) == pytest.approx(simulated, rel=0.01)


def test_the_threshold_of_the_two_layer_task_is_what_simulation_finds() -> None:
    x = np.random.default_rng(0).uniform(2, 6, (4, 400_000))
    truth = (x[0] + x[1]) * x.sum(0)
    simulated = np.mean((perturbed("product-of-sums", x) - truth) ** 2)
    assert threshold("product-of-sums", [(2, 6)], 4, EPSILON) == pytest.approx(simulated, rel=0.02)


def test_comparisons_train_on_all_pairs_of_digits_and_equality_on_many_equal_ones() -> None:
    uniform = torch.rand(2, 100_000, generator=torch.Generator().manual_seed(0))
    greater, equal = digit_pairs(uniform, 0.0), digit_pairs(uniform, 0.5)
    assert set(map(tuple, greater.T.tolist())) == {(a, b) for a in range(1, 10) for b in range(1, 10)}
    assert set(map(tuple, equal.T.tolist())) == {(a, b) for a in range(1, 10) for b in range(1, 10)}
    assert (greater[0] == greater[1]).double().mean().item() == pytest.approx(1 / 9, abs=0.01)
    assert (equal[0] == equal[1]).double().mean().item() == pytest.approx(0.5 + 0.5 / 9, abs=0.01)


def test_comparisons_are_evaluated_on_near_whole_numbers_of_1e14_in_float64() -> None:
    evaluate = Evaluation("greater", 2, DIGIT_RANGES, 1)
    x, target = evaluate.sets[1][0]
    assert x.dtype == target.dtype == torch.float64
    a, b = x[:, 0].numpy()
    assert 1e14 <= a.min() < a.max() < 1e15
    assert set((b - a).tolist()) == set(range(-5, 6))
    np.testing.assert_array_equal(target.numpy(), a > b)
    assert evaluate.thresholds.tolist() == [0.005**2]
    share = Evaluation("equal", 2, DIGIT_RANGES, 1).sets[1][0][1].mean().item()
    assert share == pytest.approx(0.5 + 0.5 / 11, abs=0.02)


def test_the_piecewise_law_is_the_published_one() -> None:
    x = torch.tensor([[2.0, 1], [1, 2], [3, 3], [5, 5], [7, 7]])
    assert OPERATIONS["piecewise"].law(x).tolist() == [11, 2]


def test_evaluation_sets_lie_in_their_intervals_and_are_the_same_every_time() -> None:
    one = evaluation_set([(1, 2)], 2, seed=43953907)
    assert one.shape == (2, 10_000)
    assert 1 <= one.min() < one.max() < 2
    assert np.array_equal(one, evaluation_set([(1, 2)], 2, seed=43953907))
    two = evaluation_set([(-6, -2), (2, 6)], 2, seed=8689336)
    assert np.all((np.abs(two) >= 2) & (np.abs(two) <= 6))
    assert np.mean(two[0] > 0) == pytest.approx(0.5, abs=0.02)
    assert np.mean((two[0] > 0) == (two[1] > 0)) == pytest.approx(0.5, abs=0.02)


def test_samples_are_fresh_uniform_and_each_seeds_own() -> None:
    stream = UniformStream([7, 8], 2)
    first, second = stream.draw(50), stream.draw(50)
    assert first.shape == (50, 2, 2, 128)
    assert first.dtype == np.float32
    assert not np.intersect1d(first[:, :, 0], first[:, :, 1]).size > 20
    assert not np.array_equal(first, second)
    assert np.array_equal(UniformStream([8], 2).draw(50)[:, :, 0], first[:, :, 1])
    assert first.mean() == pytest.approx(0.5, abs=0.01)
    assert first.var() == pytest.approx(1 / 12, abs=0.01)


def test_samples_are_scaled_to_every_range_and_target_is_the_law() -> None:
    uniform = torch.rand(2, 5, 128)
    x, target = problem("divide", RANGES)(uniform)
    assert x.shape == (2, 45, 128)
    for i, r in enumerate(RANGES):
        low, high = r.interpolation
        of_range = x[:, 5 * i : 5 * i + 5]
        torch.testing.assert_close(of_range, low + (high - low) * uniform)
    torch.testing.assert_close(target, x[0] / x[1])


@pytest.mark.parametrize("operation", ["divide", "reciprocal"])
def test_no_sample_is_zero_and_no_target_infinite(operation: str) -> None:
    uniform = torch.full((2, 1, 128), 0.5)  # float32 numbers hit it once in 2**24, float64 ones never
    x, target = problem(operation, RANGES)(uniform)
    assert torch.isfinite(target).all()
    middle = [sum(r.interpolation) / 2 for r in RANGES]
    torch.testing.assert_close(x[0, :, 0], torch.tensor(middle), rtol=1e-6, atol=2e-7)


@pytest.mark.parametrize("unit", ["NMU", "NRU"])
def test_a_divisor_drawn_in_the_middle_of_a_range_around_zero_ends_no_run(unit: str) -> None:
    around_zero = [r for r in RANGES if r.name == "[-2, 2]"]
    replica = Ensemble(
        partial(unit_spec(unit).build, 2), [0], problem("divide", around_zero), Hyperparameters(), compiled=False
    )
    replica.train(torch.full((1, 2, 1, 128), 0.5))
    assert all(torch.isfinite(weight).all() for weight in replica.weights.values())


def test_the_best_step_is_that_of_the_lowest_interpolation_error() -> None:
    tally = ErrorTally(np.full(4, 0.1))
    nan = np.nan
    tally.add(0, np.array([3.0, 1.0, nan, 2.0]), np.array([0.01, 0.5, nan, 0.5]), np.array([0.1, 0.2, nan, 0.4]))
    tally.add(1000, np.array([2.0, 2.0, nan, 1.0]), np.array([0.5, 0.01, nan, 0.05]), np.array([0.5, 0.6, nan, 0.8]))
    assert tally.extrapolation.tolist() == [0.5, 0.5, np.inf, 0.05]
    assert tally.sparsity.tolist() == [0.5, 0.2, np.inf, 0.8]
    assert np.array_equal(tally.solved_at, [0, 1000, nan, 1000], equal_nan=True)


def test_sparsity_error_by_hand() -> None:
    weights = {"0.W": torch.tensor([[0.9, -0.2], [0.0, 1.0]]).view(2, 1, 2, 1), "0.g": torch.full((1, 2, 1), 0.5)}
    assert sparsity_errors(weights).tolist() == pytest.approx([0.1, 0.2])
    hats = {"0.W_hat": torch.full((2, 1, 1, 1), 20.0), "0.M_hat": torch.zeros(2, 1, 1, 1)}
    assert sparsity_errors(hats).tolist() == pytest.approx([0.5])


def test_the_sparsity_error_of_a_unit_with_selectors_is_theirs_and_of_one_without_none() -> None:
    unit = UNITS.load("NAC-sigma")(2, 1)
    weights = {"0.W_hat": torch.tensor([40.0, 0.0]).view(2, 1, 1, 1)}
    assert sparsity_errors(weights, [unit]).tolist() == [0.5]
    gates = {"0.g": torch.zeros(1, 3, 1)}
    assert np.isnan(sparsity_errors(gates, [UNITS.load("DMU")(2, 1, frozen=True)])).tolist() == [True] * 3


def test_a_run_restarts_when_its_error_is_high_and_does_not_fall() -> None:
    restarts = Restarts([1, 2, 3])
    falling = [64.0, 32.0, 16.0, 8.0, 4.0, 2.0]
    for i in range(5):
        assert restarts.due(np.array([9.0, falling[i], 0.5])) == ([], [])
    assert restarts.due(np.array([9.0, falling[5], 0.5])) == ([0], [1_000_001])
    assert restarts.due(np.array([9.0, 1.0, 0.5])) == ([], [])


@pytest.mark.slow
def test_nmu_learns_to_multiply_and_nau_cannot() -> None:
    scale = Scale(seeds=(1000, 1001), ranges=EASY, steps=3000, compiled=False)
    taken: list[int] = []
    nmu = run(Group("NMU", "multiply"), scale, taken.append)
    assert sum(taken) == 3000
    assert [(r.range, r.seeds, r.successes, r.below_absolute) for r in nmu] == [
        ("[1, 2]", 2, 2, 2),
        ("[10, 20]", 2, 2, 2),
    ]
    assert all(r.median_step and 1000 <= r.median_step <= 3000 for r in nmu)
    assert all(r.sparsity_error is not None and r.sparsity_error < 1e-4 for r in nmu)
    nau = run(Group("NAU", "multiply"), replace(scale, steps=1000), taken.append)
    assert [(r.successes, r.median_step, r.sparsity_error) for r in nau] == [(0, None, None)] * 2


@pytest.mark.slow
def test_inalu_runs_with_its_restarts_and_its_conditional_regulariser(monkeypatch: pytest.MonkeyPatch) -> None:
    restarts: list[tuple[Sequence[int], Sequence[int]]] = []
    regularised: list[list[float]] = []

    def restart(ensemble: Ensemble, replicas: Sequence[int], seeds: Sequence[int]) -> None:
        restarts.append((replicas, seeds))
        regularised.append(ensemble.regularised.flatten().tolist())

    monkeypatch.setattr("training.research.benchmark.restarts._stuck", lambda errors: True)
    monkeypatch.setattr(Ensemble, "restart", restart)
    scale = Scale(seeds=(1000, 1001), ranges=EASY, steps=350, every=50, compiled=False)
    found = run(Group("iNALU", "multiply"), scale, lambda steps: None)
    assert [(r.unit, r.seeds) for r in found] == [("iNALU", 2)] * 2
    assert [replicas for replicas, _ in restarts] == [[]] * 5 + [[0, 1, 2, 3], []]
    assert restarts[5][1] == [1_001_000, 1_001_001, 1_001_000, 1_001_001]
    assert regularised[-1] == [1, 1, 0, 0]  # errors are below its bound on [1, 2], and above it on [10, 20]


def test_the_programme_knows_its_units_and_their_settings() -> None:
    assert {group.operation for group in groups()} == set(OPERATIONS)
    for group in groups():
        if group.unit == LAW:
            continue
        steps = unit_spec(group.unit).hyperparameters(group.operation, group.inputs).steps
        assert steps in (3_000, 50_000, 100_000, 200_000)
        assert [layer(torch.rand(3, n)).shape[1] for layer, n in zip(unit_spec(group.unit).build(2), (2, 2))]  # noqa: B905
    assert unit_spec("NMU").hyperparameters("multiply", 2).ramp == (20_000, 35_000)
    assert unit_spec("NMRU").hyperparameters("divide", 10).ramp == (50_000, 75_000)
    assert groups()[:2] == [Group("NMU", "multiply"), Group("NAU", "add")]
    assert canonical("realnpu-MODIFIED") == "RealNPU-modified"
    assert {p.unit for p in PUBLISHED_RATES if (p.operation, p.inputs) == ("divide", 10)} >= {
        "NMRU",
        "RealNPU-modified",
    }
    assert {name for p in PUBLISHED_RATES for name in p.ranges} == {r.name for r in RANGES}


def test_results_are_merged_by_cell_and_survive_a_failure_to_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "arithmetic.json"
    records.merge(path, [record(), record(range="[10, 20]")])
    again = record(successes=25)
    other = record(unit="auto", training="second-order", snapped=True, form="found")
    assert records.merge(path, [again, other]) == [again, record(range="[10, 20]"), other] == records.read(path)
    assert records.done(records.read(path), "NMU", "multiply", 2, range(1000, 1025)) == {"[1, 2]", "[10, 20]"}
    assert records.done(records.read(path), "NMU", "multiply", 2, range(2000, 2025)) == set()
    assert records.done(records.read(path), "auto", "multiply", 2, range(1000, 1025)) == {"[1, 2]"}

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        records.merge(path, [record(successes=1)])
    assert records.read(path)[0] == again


def test_the_report_keeps_kinds_of_training_apart_and_stands_beside_the_published(tmp_path: Path) -> None:
    found = [record(range=r.name) for r in RANGES]
    found += [record(range=r.name, unit="auto", training="second-order", snapped=True, form="found") for r in RANGES]
    found += [record(range=r.name, snapped=True, successes=25) for r in RANGES]
    write_report(found, tmp_path)
    text = (tmp_path / "arithmetic.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    nmu, snapped, auto = (row for row in rows if row[4:5] and row[4].startswith("**"))
    assert nmu == ["NMU", "first-order", "no", "given", "**0.800**", *nmu[5:9], "0.942 [1]"]
    assert snapped[9] == auto[9] == ""
    assert snapped[:5] == ["NMU", "first-order", "yes", "given", "**1.000**"]
    assert auto[:5] == ["auto", "second-order", "yes", "found", "**0.800**"]
    assert ["NMU", *["20/25"] * 9] in rows
    assert ["NMU (snapped)", *["25/25"] * 9] in rows
    assert ["auto (second-order, snapped)", *["20/25"] * 9] in rows
    assert ["*NMU, published*", "*1.00*", "*0.80*", "*0.68*", *["*1.00*"] * 6] in rows
    assert "1. bmistry4.github.io" in text
    assert (tmp_path / "arithmetic.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every run tiny."""
    tiny = Scale(seeds=(1000, 1001), ranges=EASY, steps=200, every=100, compiled=False)
    monkeypatch.setattr(command, "_scale", lambda group, options: replace(tiny, seeds=(options.seeds_from,)))


@pytest.mark.slow
def test_the_command_keeps_what_is_done_and_says_where(
    small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["benchmark", "--quick", "--out", str(tmp_path)]
    assert main(arguments) == 0
    assert f"table    {tmp_path / 'arithmetic.md'}" in capsys.readouterr().out
    first = json.loads((tmp_path / "arithmetic.json").read_text())["records"]
    assert [(r["unit"], r["operation"], r["first_seed"]) for r in first] == [("NMU", "multiply", 1000)] * 2 + [
        ("NAU", "add", 1000)
    ] * 2
    assert main([*arguments, "--units", "nmu", "--inputs", "2"]) == 0
    assert "1 of 1 groups are in" in capsys.readouterr().out
    assert main([*arguments, "--seeds-from", "5"]) == 0
    assert {r["first_seed"] for r in json.loads((tmp_path / "arithmetic.json").read_text())["records"]} == {5}


@pytest.mark.slow
def test_one_range_is_measured_alone_and_the_others_are_kept(small: None, tmp_path: Path) -> None:
    arguments = ["benchmark", "--out", str(tmp_path), "--units", "NAU", "--operations", "add", "--inputs", "2"]
    before = [record("NAU", "add", range=r.name) for r in EASY]
    records.merge(tmp_path / "arithmetic.json", before)
    assert main([*arguments, "--ranges", "[10, 20]"]) == 0
    kept, new = records.read(tmp_path / "arithmetic.json")
    assert kept == before[0]
    assert (new.range, new.seeds) == ("[10, 20]", 1)


def test_an_interrupted_command_keeps_its_finished_groups(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(group: Group, scale: Scale, progress: object) -> list[SuccessRecord]:
        if group.operation == "add":
            raise KeyboardInterrupt
        return [record(range=r.name) for r in scale.ranges]

    monkeypatch.setattr(command, "run", interrupted)
    assert main(["benchmark", "--quick", "--out", str(tmp_path)]) == 130
    assert {r.operation for r in records.read(tmp_path / "arithmetic.json")} == {"multiply"}
    assert "a * b" in (tmp_path / "arithmetic.md").read_text()


@pytest.mark.slow
def test_groups_that_travel_give_the_same_records_and_report_their_steps_at_home(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[int] = []
    monkeypatch.setattr("training.trainer.executors.processes.ProcessExecutor", lambda _: PicklingExecutor())
    monkeypatch.setattr("tqdm.tqdm.update", lambda _, count: steps.append(count))
    for folder, on in (("here", "local"), ("there", "processes")):
        assert main(["benchmark", "--quick", "--out", str(tmp_path / folder), "--on", on]) == 0
    here, there = (records.read(tmp_path / folder / "arithmetic.json") for folder in ("here", "there"))
    assert len(here) == 4
    assert sorted(here, key=repr) == sorted(there, key=repr)
    assert (tmp_path / "here" / "arithmetic.md").read_text() == (tmp_path / "there" / "arithmetic.md").read_text()
    assert steps == [100, 100, 100, 100, 200, 200]


def test_an_interruption_keeps_what_other_processes_have_finished(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object, steps: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "measure", lambda group, scale: ([record(range=r.name) for r in scale.ranges], 1.0))
    monkeypatch.setattr(
        "training.trainer.executors.processes.ProcessExecutor", lambda _: nullcontext(ThreadPoolExecutor(1))
    )
    monkeypatch.setattr("tqdm.tqdm.update", interrupt)
    assert main(["benchmark", "--quick", "--out", str(tmp_path), "--on", "processes"]) == 130
    assert [r.range for r in records.read(tmp_path / "arithmetic.json")] == [r.name for r in EASY]
    assert "a * b" in (tmp_path / "arithmetic.md").read_text()


def test_a_cluster_that_is_not_there_is_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:nowhere")
    assert main(["benchmark", "--quick", "--out", str(tmp_path), "--on", "ray"]) == 2
    assert capsys.readouterr().err.startswith("nalu-serve: No Ray cluster answers at 127.0.0.1:nowhere (")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--units", "NOPE"], f"Unknown unit 'NOPE'. Available: {', '.join(CONTESTANTS)}.\n"),
        (["--operations", "modulo"], "--operations modulo is no operation of the benchmark; give add, subtract, "),
        (["--ranges", "[-3, 3]"], "--ranges [-3, 3] is no range of the benchmark; give [-20, -10], [-2, -1], "),
        (
            ["--units", "NMU", "--operations", "add"],
            "No group of the benchmark has that unit, operation, number of inputs and range; leave one of them open.\n",
        ),
    ],
)
def test_unusable_arguments_get_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", "--out", str(tmp_path), *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"nalu-serve: {message}")


def test_a_file_that_holds_no_results_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "arithmetic.json"
    path.write_text("[]")
    assert main(["benchmark", "--quick", "--out", str(tmp_path)]) == 2
    assert "has no results of this benchmark; move it away, or give another --out." in capsys.readouterr().err
    assert path.read_text() == "[]"


@pytest.mark.slow
def test_quick_does_not_write_where_the_full_results_lie(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["benchmark", "--quick"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["reports"]


def test_ranges_have_the_names_that_tables_use() -> None:
    assert [r.name for r in RANGES][2:5] == ["[-1.2, -1.1]", "[-0.2, -0.1]", "[-2, 2]"]
    assert Range((0.1, 10), ()).name == "[0.1, 10]"


@pytest.mark.slow
def test_the_committed_table_is_that_of_the_committed_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.research.benchmark.render.draw", lambda *_: None)
    results = Path(__file__).parents[3] / "docs" / "results"
    write_report(records.read(results / "arithmetic.json"), tmp_path)
    assert (tmp_path / "arithmetic.md").read_text() == (results / "arithmetic.md").read_text()
