import math
from dataclasses import replace
from time import monotonic, process_time

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPRegressor

from training.metrics import predict, relative_rmse
from training.recipes import TASKS
from training.symbolic.deadline import Deadline
from training.tabular import fit
from training.tabular.mlp import MLP, train_mlp
from training.tabular.restarts import best_mlp

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-2, 2, (200, 2))
Y = np.maximum(X[:, :1], 0) - 2 * np.maximum(X[:, :1] - X[:, 1:], 0) + 3
TABLE = torch.from_numpy(X), torch.from_numpy(Y)


def mlp(seed: int = 0, parameters: int = 9) -> MLP:
    torch.manual_seed(seed)
    return MLP(*TABLE, parameters=parameters)


@pytest.mark.parametrize(
    "weights", [np.ones(200), np.random.default_rng(1).uniform(0, 2, 200)], ids=["equal", "weighted"]
)
def test_its_gradient_is_that_of_autograd(weights: np.ndarray) -> None:
    from training.tabular.mlp import _Loss

    network = mlp(parameters=17)
    x, y = network.standardised(TABLE[0], "input"), network.standardised(TABLE[1], "target")
    expected = ((network.layers(x) - y).square()[:, 0] * torch.from_numpy(weights)).mean()
    expected.backward()  # type: ignore[no-untyped-call]
    value, gradient = _Loss(x.numpy(), y.numpy(), Deadline(), weights)(
        torch.nn.utils.parameters_to_vector(network.parameters()).detach().numpy()
    )
    assert value == pytest.approx(expected.item(), rel=1e-12)
    slopes = torch.cat([parameter.grad.flatten() for parameter in network.parameters()])  # type: ignore[union-attr]
    np.testing.assert_allclose(gradient, slopes.numpy(), rtol=1e-9, atol=1e-12)


def test_a_function_of_its_own_kind_is_learned() -> None:
    errors = []
    for seed in range(8):
        network = mlp(seed)
        train_mlp(network, *TABLE)
        errors.append(relative_rmse(predict(network, X), Y))
    assert min(errors) < 1e-3


def test_it_is_no_worse_than_the_mlp_of_scikit_learn() -> None:
    split = TASKS.load("multiply").split(seed=0)
    torch.manual_seed(0)
    ours = best_mlp(split.train, 17, split.interpolation, 4, Deadline())
    assert ours is not None
    theirs = min(
        relative_rmse(
            MLPRegressor(hidden_layer_sizes=4, solver="lbfgs", alpha=0, max_iter=1000, random_state=seed)
            .fit(split.train.inputs, split.train.target[:, 0])
            .predict(split.interpolation.inputs)[:, None],
            split.interpolation.target,
        )
        for seed in range(4)
    )
    assert relative_rmse(predict(ours, split.interpolation.inputs), split.interpolation.target) < 1.2 * theirs


def test_when_the_time_is_up_the_best_weights_until_then_are_kept() -> None:
    looks = iter(range(10_000))
    before, network = relative_rmse(predict(mlp(), X), Y), mlp()
    train_mlp(network, *TABLE, Deadline(5, lambda: next(looks)))
    assert next(looks) < 10
    assert relative_rmse(predict(network, X), Y) < before


def test_without_any_time_one_mlp_is_there_all_the_same() -> None:
    split = TASKS.load("add").split(seed=0)
    network = best_mlp(split.train, 9, split.interpolation, 8, Deadline(-math.inf))
    assert network is not None


@pytest.mark.slow
@pytest.mark.parametrize("unit", [fit.AUTO, "NALU"])
def test_the_limit_bounds_search_training_and_mlp(unit: str) -> None:
    x = np.random.default_rng(0).uniform(1, 9, (400, 300))
    y = np.sin(x[:, :1]) * x[:, 1:2]
    split = fit.Split(*(fit.Part(x[part], y[part]) for part in (slice(0, 300), slice(300, 350), slice(350, 400))))
    config = fit.FitConfig("m", [f"x{i}" for i in range(300)], "y", unit, 0, "", "", seconds=1)
    wall, cpu = monotonic(), process_time()
    fitted = fit.fit(replace(config, hidden=[4] if unit == "NALU" else []), split)
    assert min(monotonic() - wall, process_time() - cpu) < 1 + 2
    assert all(np.isfinite(part["mlp"]["rmse"]) for part in fitted.metrics.values())
