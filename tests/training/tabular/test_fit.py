import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from models.manifest import Manifest
from models.networks import Network
from training.cli.fit_command import _print_notes
from training.data.table_split import Part, Split, split_table
from training.errors import DivergedError, InputError
from training.recipes import TASKS
from training.tabular import fit, restarts
from training.tabular.export import export_fitted
from training.tabular.mlp import MLP

PLAN = fit.FitConfig(name="m", columns=["a", "b"], target="y", unit="NAC", seed=0, command="", data="", restarts=2)
AUTO = replace(PLAN, unit=fit.AUTO, restarts=1)


@pytest.fixture
def few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that ends early, for claims that hold of any network."""
    monkeypatch.setattr("training.tabular.optimise.ADAM_STEPS", 20)
    monkeypatch.setattr("training.tabular.optimise.LBFGS_ROUNDS", 1)
    monkeypatch.setattr("training.tabular.optimise.LBFGS_STEPS", 10)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["add", "subtract"])
def test_nac_extrapolates_sums_to_a_hundred_times_the_range(task: str) -> None:
    fitted = fit.fit(PLAN, TASKS.load(task).split(seed=11))
    assert fitted.metrics["extrapolation"]["max_relative_error"] < 1e-6
    assert fitted.formula is not None
    assert fitted.formula.text == {"add": "a + b", "subtract": "a - b"}[task]
    assert fitted.metrics["extrapolation"]["mlp"]["relative_rmse"] > 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    "law",
    [
        lambda x: x[:, :1] * x[:, 1:],
        lambda x: x[:, :1] / x[:, 1:],
        lambda x: x[:, :1] ** 2,
        lambda x: np.sqrt(x[:, :1]),
    ],
)
def test_nalu_extrapolates_positive_products_and_powers(law: Callable[[np.ndarray], np.ndarray]) -> None:
    random = np.random.default_rng(11)
    parts = [random.uniform(*ends, (300, 2)) for ends in ((1, 10), (1, 10), (10, 1000))]
    fitted = fit.fit(replace(PLAN, unit="NALU", restarts=2), Split(*(Part(x, law(x)) for x in parts)))
    assert fitted.metrics["interpolation"]["relative_rmse"] < 1e-5
    assert fitted.metrics["extrapolation"]["relative_rmse"] < 1e-5
    assert fitted.metrics["extrapolation"]["mlp"]["relative_rmse"] > 0.05


LAWS = {"add": "a + b", "subtract": "a - b", "multiply": "a * b", "divide": "a / b", "square": "a**2"}


@pytest.mark.slow
@pytest.mark.parametrize("task", LAWS)
def test_auto_finds_the_law_and_its_formula(task: str) -> None:
    split = TASKS.load(task).split(seed=3)
    columns = ["a", "b"][: split.train.inputs.shape[1]]
    fitted = fit.fit(replace(AUTO, columns=columns), split)
    assert (fitted.unit, fitted.reason) == ("Law", None)
    assert fitted.formula is not None
    assert fitted.formula.text == LAWS[task]
    assert fitted.metrics["extrapolation"]["max_relative_error"] < 1e-9


@pytest.mark.slow
def test_auto_says_why_there_is_no_law_and_keeps_the_nearest_thing() -> None:
    x = np.random.default_rng(0).uniform(-3, 3, (300, 1))
    split = split_table(x, np.sin(x), seed=0)
    fitted = fit.fit(replace(AUTO, columns=["x"], seconds=0.5), split)
    assert fitted.formula is None
    assert fitted.reason
    assert fitted.unit == "Approximation"
    assert fitted.metrics["interpolation"]["relative_rmse"] < 0.9


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("unit", ["NALU", fit.AUTO])
def test_the_extrapolation_rows_decide_nothing(unit: str) -> None:
    split = TASKS.load("multiply").split(seed=5)
    spoiled = replace(split, extrapolation=Part(split.extrapolation.inputs, -split.extrapolation.target))
    config = replace(PLAN, unit=unit, restarts=1)
    first, second = fit.fit(config, split).network, fit.fit(config, spoiled).network
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.usefixtures("few_steps")
def test_a_seed_reproduces_a_run_and_another_does_not() -> None:
    split = TASKS.load("divide").split(seed=5)

    def weights(seed: int) -> torch.Tensor:
        fitted = fit.fit(replace(PLAN, unit="NALU", restarts=1, seed=seed), split)
        return torch.cat([p.flatten() for p in fitted.network.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.slow
def test_noise_is_averaged_out() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(-5, 5, (400, 3))
    split = split_table(x, x[:, :1] - x[:, 2:] + random.normal(0, 0.1, (400, 1)), seed=0)
    fitted = fit.fit(replace(PLAN, columns=["a", "b", "c"]), split)
    assert fitted.network[0].W.detach().numpy() == pytest.approx(np.array([[1, 0, -1]]), abs=0.02)
    assert fitted.formula is None


@pytest.mark.usefixtures("few_steps")
def test_long_tables_are_thinned_for_training_only() -> None:
    x = np.random.default_rng(0).uniform(1, 2, (30_000, 1))
    split = split_table(x, 1.0 * x, seed=0)
    fitted = fit.fit(replace(PLAN, columns=["a"], restarts=1), split)
    assert fitted.metrics["interpolation"]["rows"] == len(split.interpolation) == 5400


@pytest.mark.slow
@pytest.mark.usefixtures("few_steps")
def test_hidden_layers_are_built(tmp_path: Path) -> None:
    split = TASKS.load("add").split(seed=1)
    config = replace(PLAN, hidden=[3], restarts=1)
    fitted = fit.fit(config, split)
    assert isinstance(fitted.network, Network)
    assert fitted.network.config["dims"] == [2, 3, 1]
    fit.plot(fitted, split, tmp_path / "new" / "plot.png", "title")
    assert (tmp_path / "new" / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_unit_that_cannot_be_exported_is_refused_before_it_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise InputError("A network of NAC cannot be exported: aten::sum.")

    monkeypatch.setattr(fit, "check_unit_export", refuse)
    monkeypatch.setattr(fit, "_train", lambda *_: pytest.fail("it was trained"))
    with pytest.raises(InputError, match=r"^A network of NAC cannot be exported"):
        fit.fit(PLAN, TASKS.load("add").split(seed=0))


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Unknown unit 'MLP'\. Available: .*NAC, .*\.$"):
        fit.fit(replace(PLAN, unit="MLP"), TASKS.load("add").split(seed=0))


@pytest.mark.slow
def test_an_irrelevant_column_of_zeros_and_ones_does_not_spoil_a_product() -> None:
    random = np.random.default_rng(0)
    x = np.column_stack([random.uniform(1, 10, (400, 2)), random.integers(0, 2, 400)])
    split = split_table(x, x[:, :1] * x[:, 1:2], seed=0)
    fitted = fit.fit(replace(PLAN, columns=["a", "b", "flag"], unit="NALU", restarts=2), split)
    assert fitted.metrics["interpolation"]["relative_rmse"] < 1e-5


@pytest.mark.slow
def test_auto_leaves_irrelevant_columns_of_zeros_and_ones_out() -> None:
    random = np.random.default_rng(0)
    x = np.column_stack([random.uniform(1, 10, (400, 2)), random.integers(0, 2, 400)])
    for target, text in ((x[:, :1] - x[:, 1:2], "a - b"), (x[:, :1] * x[:, 1:2], "a * b")):
        fitted = fit.fit(replace(AUTO, columns=["a", "b", "flag"]), split_table(x, target, seed=0))
        assert fitted.formula is not None
        assert fitted.formula.text == text


@pytest.mark.slow
def test_a_law_is_exported_with_its_formula_and_its_widths(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.uniform(-5, 5, (200, 2))
    split = split_table(x, x[:, :1] ** 2 / x[:, 1:], seed=0)
    config = replace(AUTO, name="m")
    manifest = Manifest.read(export_fitted(fit.fit(config, split), config, split, tmp_path))
    assert (manifest.unit, manifest.dims) == ("Law", [2, 1, 1, 1])
    assert (manifest.formula, manifest.latex) == ("a**2 / b", r"\frac{a^{2}}{b}")


@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    ("unit", "what"),
    [
        ("NMU", r"No NMU network fits 'y' with finite numbers; .*"),
        (fit.AUTO, r"No law can be searched for 'y': the best candidate overflows or vanishes in float64 where .*"),
    ],
)
def test_what_nothing_fits_with_finite_numbers_is_refused(unit: str, what: str) -> None:
    x = np.random.default_rng(0).uniform(1, 2, (50, 2)) * 1e200
    y = (x[:, :1] / 1e200) ** 2 * (x[:, 1:] / 1e200)  # the square of 1e200 is infinite
    with pytest.raises(InputError, match=rf"^{what} scale the columns nearer"):
        fit.fit(replace(PLAN, unit=unit, restarts=1), split_table(x, y, seed=0))


@pytest.mark.usefixtures("few_steps")
@pytest.mark.parametrize("size", [1e-200, 1e200])
@pytest.mark.parametrize("unit", ["NAC", fit.AUTO])
def test_a_target_of_extreme_size_is_learned_and_measured(tmp_path: Path, unit: str, size: float) -> None:
    x = np.random.default_rng(0).uniform(1, 2, (50, 2)) * (size if unit == "NAC" else 1.0)
    split = split_table(x, (x[:, :1] + x[:, 1:]) * (1.0 if unit == "NAC" else size), seed=0)
    fitted = fit.fit(replace(PLAN, unit=unit, restarts=1), split)
    for part in ("interpolation", "extrapolation"):
        assert fitted.metrics[part]["relative_rmse"] < (0.2 if unit == "NAC" else 1e-12)
        assert 0 < fitted.metrics[part]["mlp"]["rmse"] < size
    if unit == fit.AUTO:
        assert fitted.formula is not None
        assert fitted.formula.text == f"{size:.1e} * a + {size:.1e} * b"
    fit.plot(fitted, split, tmp_path / "plot.png", "title")


def _diverging(monkeypatch: pytest.MonkeyPatch, diverges: Callable[[nn.Module, int], bool]) -> list[nn.Module]:
    """Train networks by a few steps, and let some, by network and number, end with a weight that is nan."""
    trained: list[nn.Module] = []

    def train(network: nn.Module, *_: object) -> float:
        trained.append(network)
        network.eval()
        if diverges(network, len(trained)):
            next(network.parameters()).data.fill_(math.nan)
        return 0.0

    for name in ("train_arithmetic", "train_mlp"):
        monkeypatch.setattr(restarts, name, train)
    return trained


def test_a_restart_that_diverges_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    trained = _diverging(monkeypatch, lambda network, number: isinstance(network, Network) and number != 2)
    fitted = fit.fit(replace(PLAN, restarts=3), TASKS.load("add").split(seed=1))
    assert torch.equal(fitted.network[0].W_hat, trained[1][0].W_hat)


def test_where_all_restarts_diverge_one_sentence_names_the_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    _diverging(monkeypatch, lambda network, _: isinstance(network, Network))
    message = (
        r"^No NAC network fits 'y' with finite numbers; all 2 starts diverged on inputs up to [\d.]+ and targets up to "
        r"[\d.]+: scale the columns nearer to 1, or train another --unit\.$"
    )
    with pytest.raises(DivergedError, match=message):
        fit.fit(PLAN, TASKS.load("add").split(seed=1))


def test_an_mlp_that_diverges_is_left_out_of_the_comparison(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _diverging(monkeypatch, lambda network, _: isinstance(network, MLP))
    split = TASKS.load("add").split(seed=1)
    fitted = fit.fit(AUTO, split)
    assert fitted.mlp is None
    assert not any("mlp" in errors for errors in fitted.metrics.values())
    fit.plot(fitted, split, tmp_path / "plot.png", "title")
    _print_notes(fitted, split)
    assert capsys.readouterr().out == "No comparison with an MLP: none of its starts gives finite numbers.\n"


def test_a_branch_that_is_not_used_makes_a_network_diverge_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """An AMU computes by its sums or by its products; weights of the others count too, as the file holds them."""

    def spoil(network: nn.Module, number: int) -> bool:
        if number == 1:
            network[0].gate.data.fill_(1.0)
            network[0].W_mul.data.fill_(math.nan)
        return False

    trained = _diverging(monkeypatch, spoil)
    fitted = fit.fit(replace(PLAN, unit="AMU", restarts=2), TASKS.load("add").split(seed=1))
    assert fitted.network[0].W_add.tolist() == trained[1][0].W_add.tolist()


@pytest.mark.usefixtures("few_steps")
def test_rows_of_target_0_are_measured_and_drawn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = np.column_stack([np.where(np.arange(100) % 10 == 0, 0.0, random.uniform(4, 9, 100)), random.uniform(2, 3, 100)])
    split = split_table(x, x[:, :1] * x[:, 1:], seed=0)
    assert not split.extrapolation.target.any()
    fitted = fit.fit(AUTO, split)
    beyond = fitted.metrics["extrapolation"]
    assert [beyond[name] for name in ("relative_rmse", "max_relative_error", "absolute")] == [0.0, 0.0, True]
    assert beyond["mlp"]["relative_rmse"] == beyond["mlp"]["rmse"] > 0
    fit.plot(fitted, split, tmp_path / "plot.png", "title")
