import math

import numpy as np
import pytest
import torch

from models.units.nau import NAU
from models.units.nru import NRU


def nru(weights: list[list[float]], eps: float = 0.0) -> NRU:
    unit = NRU(len(weights[0]), len(weights), eps=eps).double().eval()
    unit.W.data = torch.tensor(weights, dtype=torch.float64)
    return unit


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_it_computes_the_published_equations_of_training_and_evaluation(training: bool, scale: float) -> None:
    rng = np.random.default_rng(0)
    x, W = rng.uniform(-5, 5, (50, 3)), scale * rng.uniform(-1, 1, (2, 3))
    selected = np.tanh(1000 * W) ** 2 if training else np.abs(W)
    powers = np.sign(x)[:, None] * np.abs(x)[:, None] ** W
    expected = np.prod(powers * selected + 1 - selected, 2)
    actual = nru(W.tolist(), 1e-7).train(training)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-11)


def test_ideal_weights_multiply_and_divide_exactly_outside_any_range_with_the_sign() -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 3)) * [1, -1, 1]
    for training in (False, True):
        y = nru([[1, 1, 0], [1, -1, 0]]).train(training)(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(y, np.stack([x[:, 0] * x[:, 1], x[:, 0] / x[:, 1]], 1), rtol=1e-14)


def test_without_eps_zeros_are_exact_and_a_division_by_zero_shows() -> None:
    weights = [[1, 1, 0], [1, -1, -1e-9]]
    x = torch.tensor([[0.0, 5, 0], [5, 0, 0], [-5, 0, 0]]).double()
    expected = [[0, 0], [0, math.inf], [0, -math.inf]]
    np.testing.assert_allclose(nru(weights)(x).detach().numpy(), expected, rtol=1e-8)
    assert nru(weights, 1e-7)(x).isfinite().all()


def test_start_weights_are_a_naus_and_so_is_the_penalty() -> None:
    torch.manual_seed(0)
    W = torch.cat([NRU(2, 1).W.detach() for _ in range(1000)])
    assert 0.49 < W.abs().max() <= 0.5
    assert torch.equal(NRU.penalty(W), NAU.penalty(W))


def test_the_learning_rate_depends_on_the_number_of_inputs() -> None:
    assert NRU.HYPERPARAMETERS.for_task("divide", 2).learning_rate == 1
    assert NRU.HYPERPARAMETERS.for_task("divide", 10).learning_rate == 1e-3


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        NRU(2, 1, eps=-1)
