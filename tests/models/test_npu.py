import math

import numpy as np
import pytest
import torch

from models.units.npu import NPU

EPS = 2.0**-23


def npu(W_r: list[list[float]], W_i: list[list[float]], g: list[float], eps: float = 0.0) -> NPU:
    unit = NPU(len(W_r[0]), len(W_r), eps=eps).double()
    unit.W_r.data, unit.W_i.data, unit.g.data = (
        torch.tensor(weight, dtype=torch.float64) for weight in (W_r, W_i, [g])
    )
    return unit


@pytest.mark.parametrize("eps", [EPS, 0.0])
def test_it_computes_the_real_part_of_a_complex_power(eps: float) -> None:
    rng = np.random.default_rng(0)
    x, W_r, W_i, g = rng.uniform(-5, 5, (50, 3)), *rng.normal(size=(2, 2, 3)), np.array([0.0, 0.6, 1.3])
    held = np.clip(g, 0, 1)
    log = np.log(held * (np.abs(x) + eps) + 1 - held) + 1j * held * np.pi * (x < 0)
    expected = np.exp(log @ (W_r + 1j * W_i).T).real
    actual = npu(W_r.tolist(), W_i.tolist(), g.tolist(), eps)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)


def test_ideal_weights_are_exact_outside_any_range_with_the_sign() -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 3)) * [1, -1, 1]
    unit = npu([[1, 1, 1], [1, -1, 1], [0.5, 0, 1]], [[0] * 3] * 3, [1, 1, 0])
    expected = np.stack([x[:, 0] * x[:, 1], x[:, 0] / x[:, 1], np.sqrt(x[:, 0])], 1)
    np.testing.assert_allclose(unit(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-13)


def test_without_eps_zeros_are_exact_and_a_division_by_zero_shows() -> None:
    x = torch.tensor([[0.0, 5, 0], [5, 0, 0], [-5, 0, 0]]).double()
    weights = [[1, 1, 1], [1, -1, 0]], [[0] * 3] * 2, [1, 1, 0]
    assert npu(*weights)(x).tolist() == [[0, 0], [0, math.inf], [0, -math.inf]]
    assert npu(*weights, EPS)(x).isfinite().all()


def test_start_weights_are_xavier_uniform_with_half_open_gates_and_no_imaginary_part() -> None:
    torch.manual_seed(0)
    unit = NPU(300, 100)
    r = (6 / 400) ** 0.5
    assert 0.99 * r < unit.W_r.abs().max() <= r
    assert not unit.W_i.any()
    assert (unit.g == 0.5).all()


def test_the_schedule_depends_on_the_operation() -> None:
    assert NPU.HYPERPARAMETERS.learning_rate == 5e-3
    assert NPU.HYPERPARAMETERS.for_task("multiply", 2).l1 == (1e-7, 1e-5)
    assert NPU.HYPERPARAMETERS.for_task("divide", 2).l1 == (1e-9, 1e-7)


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        NPU(2, 1, eps=-1)
