"""Replicas trained side by side: each is trained as PyTorch trains one module, and none touches another."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from shutil import which
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.hyperparameters import Hyperparameters
from models.units import UNITS
from training.research.ensemble import Ensemble, build_seeded

SEEDS = (3, 4, 5)
UNITS_TRAINED = ["NAC", "NAU", "NMU", "NMRU", "RealNPU", "NALU", "iNALU"]


def samples(steps: int, replicas: int = 3, inputs: int = 2, batch: int = 16) -> Tensor:
    return torch.rand(steps, inputs, replicas, batch, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def product(x: Tensor) -> tuple[Tensor, Tensor]:
    x = 1 + x
    return x, x[0] * x[1]


def one(name: str, **options: Any) -> Callable[[], Sequence[nn.Module]]:
    return lambda: [UNITS.load(name)(2, 1, **options)]


def ensemble(build: Callable[[], Sequence[nn.Module]], seeds: Sequence[int] = SEEDS, **options: Any) -> Ensemble:
    hyperparameters = options.pop("hyperparameters", Hyperparameters())
    options = {"dtype": torch.float64, "compiled": False, **options}
    return Ensemble(build, seeds, product, hyperparameters, **options)


def trained_by_pytorch(
    build: Callable[[], Sequence[nn.Module]], seed: int, x: Tensor, hyperparameters: Hyperparameters
) -> nn.Module:
    """One module, one optimizer, rows first, as published code does it."""
    network = nn.Sequential(*build_seeded(build, seed)).double()
    optimizer = torch.optim.Adam(network.parameters(), lr=hyperparameters.learning_rate)
    for step, batch in enumerate(x):
        inputs, target = product(batch)
        criterion = nn.functional.l1_loss if hyperparameters.loss == "absolute" else nn.functional.mse_loss
        loss = criterion(network(inputs.T).squeeze(-1), target)
        for layer in network:
            if hyperparameters.penalty:
                weights = {name.split(".")[-1]: weight.mT for name, weight in layer.named_parameters()}
                loss = loss + hyperparameters.penalty_at(step) * layer.penalty(**weights).mean()
            loss = loss + hyperparameters.l1_at(step) * sum(weight.abs().sum() for weight in layer.parameters())
        optimizer.zero_grad()
        loss.backward()
        if hyperparameters.clip_norm:
            nn.utils.clip_grad_norm_(network.parameters(), hyperparameters.clip_norm)
        if hyperparameters.clip_value:
            nn.utils.clip_grad_value_(network.parameters(), hyperparameters.clip_value)
        optimizer.step()
        for layer in network:
            for name, (low, high) in getattr(layer, "BOUNDS", {}).items():
                getattr(layer, name).data.clamp_(low, high)
    return network


def assert_same(layers: Sequence[nn.Module], network: nn.Module) -> None:
    expected = network.state_dict()
    found = nn.Sequential(*layers).state_dict()
    assert found.keys() == expected.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, rtol=1e-9, atol=1e-12, msg=lambda text, n=name: f"{n}: {text}")


@pytest.mark.slow
@pytest.mark.parametrize("name", UNITS_TRAINED)
def test_each_replica_is_trained_as_pytorch_trains_one_module(name: str) -> None:
    build, x = one(name), samples(60)
    hyperparameters = Hyperparameters(learning_rate=1e-2)
    found = ensemble(build, hyperparameters=hyperparameters)
    found.train(x)
    for replica, seed in enumerate(SEEDS):
        assert_same(found.replica(replica), trained_by_pytorch(build, seed, x[:, :, replica], hyperparameters))


@pytest.mark.parametrize(
    "hyperparameters",
    [
        Hyperparameters(learning_rate=1e-2, penalty=3.0, ramp=(10, 30)),
        Hyperparameters(learning_rate=1e-2, l1=(0.01, 0.1)),
        Hyperparameters(learning_rate=1e-2, clip_norm=0.5),
        Hyperparameters(learning_rate=1e-2, clip_value=0.1),
        Hyperparameters(learning_rate=1e-2, loss="absolute"),
    ],
    ids=["penalty", "l1", "clip_norm", "clip_value", "loss"],
)
def test_regularisers_clipping_and_bounds_are_those_of_one_module(hyperparameters: Hyperparameters) -> None:
    build, x = one("NMU"), samples(60)
    found = ensemble(build, hyperparameters=hyperparameters)
    found.train(x)
    for replica, seed in enumerate(SEEDS):
        assert_same(found.replica(replica), trained_by_pytorch(build, seed, x[:, :, replica], hyperparameters))


def test_a_stack_of_units_is_trained_as_pytorch_trains_it() -> None:
    def build() -> Sequence[nn.Module]:
        return [UNITS.load("NAU")(2, 3), UNITS.load("NMU")(3, 1)]

    found, x = ensemble(build), samples(60)
    found.train(x)
    assert_same(found.replica(1), trained_by_pytorch(build, SEEDS[1], x[:, :, 1], Hyperparameters()))


def test_start_values_are_the_units_own() -> None:
    for replica, seed in enumerate(SEEDS):
        torch.manual_seed(seed)
        expected = UNITS.load("NMU")(2, 1)
        torch.testing.assert_close(ensemble(one("NMU")).replica(replica)[0].W, expected.W.double())


def test_a_replica_learns_the_same_alone_as_among_others() -> None:
    x = samples(100)
    together = ensemble(one("NMU"))
    together.train(x)
    alone = ensemble(one("NMU"), SEEDS[1:2])
    alone.train(x[:, :, 1:2])
    torch.testing.assert_close(together.replica(1)[0].W, alone.replica(0)[0].W, rtol=1e-12, atol=0)


def test_training_in_pieces_is_training_at_once() -> None:
    x = samples(50)
    at_once, in_pieces = ensemble(one("NMU")), ensemble(one("NMU"))
    at_once.train(x)
    for piece in x.split(7):
        in_pieces.train(piece)
    assert in_pieces.steps == 50
    assert torch.equal(at_once.weights["0.W"], in_pieces.weights["0.W"])


@pytest.mark.parametrize(
    "hyperparameters", [Hyperparameters(), Hyperparameters(clip_norm=0.5), Hyperparameters(penalty=1.0, ramp=(0, 1))]
)
def test_nan_in_one_replica_touches_no_other(hyperparameters: Hyperparameters) -> None:
    x = samples(40)
    sound, poisoned = (
        ensemble(one("NMU"), hyperparameters=hyperparameters),
        ensemble(one("NMU"), hyperparameters=hyperparameters),
    )
    sound.train(x)
    poisoned.weights["0.W"][:, :, 1] = torch.nan
    poisoned.train(x)
    assert poisoned.weights["0.W"][:, :, 1].isnan().all()
    assert torch.equal(poisoned.weights["0.W"][:, :, ::2], sound.weights["0.W"][:, :, ::2])


def test_the_regulariser_counts_only_for_the_replicas_that_it_is_told_to() -> None:
    hyperparameters = Hyperparameters(penalty=5.0, ramp=(0, 1))
    x = samples(40)
    some, none = ensemble(one("NMU"), hyperparameters=hyperparameters), ensemble(one("NMU"))
    some.regularised[0] = 0
    some.train(x)
    none.train(x)
    assert torch.equal(some.weights["0.W"][:, :, 0], none.weights["0.W"][:, :, 0])
    assert not torch.equal(some.weights["0.W"][:, :, 1], none.weights["0.W"][:, :, 1])


def test_a_restart_draws_new_start_values_for_its_replica_alone() -> None:
    found = ensemble(one("NMU"))
    before = found.weights["0.W"].clone()
    found.restart([1], [77])
    torch.manual_seed(77)
    torch.testing.assert_close(found.replica(1)[0].W, UNITS.load("NMU")(2, 1).W.double())
    assert torch.equal(found.weights["0.W"][:, :, ::2], before[:, :, ::2])
    after = found.weights["0.W"].clone()
    found.restart([], [])
    assert torch.equal(found.weights["0.W"], after)


def test_predictions_are_those_of_the_replicas() -> None:
    found = ensemble(one("RealNPU"))
    x = samples(1)[0]
    for replica in range(len(SEEDS)):
        expected = found.replica(replica)[0](x[:, replica].T).squeeze(-1)
        torch.testing.assert_close(found.predict(x)[replica], expected)
    torch.testing.assert_close(found.predict(x[:, 1:], slice(1, 3)), found.predict(x)[1:])


def test_building_leaves_pytorchs_random_numbers_alone() -> None:
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    ensemble(one("NMU"))
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.slow
@pytest.mark.skipif(which("g++") is None and which("clang++") is None, reason="needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_compiled_step_is_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch._inductor.config.compile_threads", 1)  # no processes that import PyTorch again
    monkeypatch.setattr("torch._inductor.config.cpp.vec_isa_ok", True)  # no program that tries the processor
    monkeypatch.setattr("torch._inductor.config.cpp_cache_precompile_headers", False)  # slower for one program
    x = samples(30)
    hyperparameters = Hyperparameters(learning_rate=1e-2, penalty=1.0, ramp=(5, 10), clip_norm=1.0)
    plain, compiled = (
        ensemble(one("NMU"), hyperparameters=hyperparameters),
        ensemble(one("NMU"), hyperparameters=hyperparameters, compiled=True),
    )
    plain.train(x)
    compiled.train(x)
    torch.testing.assert_close(compiled.weights["0.W"], plain.weights["0.W"], rtol=1e-9, atol=1e-12)


def test_a_unit_that_compiling_would_change_is_trained_plainly_and_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    asked, plain = ensemble(one("AMU"), compiled=True), ensemble(one("AMU"))
    for found in (asked, plain):
        torch.manual_seed(0)
        found.train(samples(5))
    assert torch.equal(asked.weights["0.W_mul"], plain.weights["0.W_mul"])
    assert caplog.messages == []


def test_without_a_compiler_it_trains_on_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*state: Any) -> None:
        raise RuntimeError("No working C++ compiler.\nDetails follow.")

    monkeypatch.setattr(torch, "compile", lambda step, **options: partial(refuse, step))
    x = samples(20)
    fallen, plain = ensemble(one("NMU"), compiled=True), ensemble(one("NMU"))
    with caplog.at_level(logging.WARNING):
        fallen.train(x)
    plain.train(x)
    assert torch.equal(fallen.weights["0.W"], plain.weights["0.W"])
    assert caplog.messages == [
        "The training step is not compiled and runs several times slower: No working C++ compiler."
    ]
