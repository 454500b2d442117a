import math

import numpy as np
import pytest
import torch

from models.units.dmu import DMU


def dmu(g: float, *, subtract: bool = False, frozen: bool = True, eps: float = 1e-11) -> DMU:
    unit = DMU(2, 1, subtract=subtract, frozen=frozen, eps=eps).double()
    unit.g.data[:] = g
    return unit


@pytest.mark.parametrize("subtract", [False, True])
def test_a_gate_on_either_side_adds_or_multiplies_exactly_outside_any_range(subtract: bool) -> None:
    x = np.random.default_rng(0).uniform(-1e6, 1e6, (200, 2))
    linear = x[:, 0] - x[:, 1] if subtract else x.sum(1)
    logarithmic = x[:, 0] / x[:, 1] if subtract else x.prod(1)
    rows = torch.from_numpy(x)
    np.testing.assert_array_equal(dmu(0.01, subtract=subtract).eval()(rows).detach().numpy()[:, 0], linear)
    y = dmu(-0.01, subtract=subtract, eps=0).eval()(rows).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, logarithmic, rtol=1e-14)


def test_training_mixes_sizes_in_log_space_and_signs_beside_them() -> None:
    x, G = np.random.default_rng(0).uniform(-5, 5, (100, 2)), 1 / (1 + math.exp(0.7))
    total = x[:, 0] - x[:, 1]
    sizes = np.sqrt(total**2 + 1e-8) ** G * np.abs(x[:, 0] / x[:, 1]) ** (1 - G)
    signs = G * np.tanh(total / 1e-4) + (1 - G) * np.sign(x[:, 0] * x[:, 1])
    y = dmu(-0.7, subtract=True).train()(torch.from_numpy(x)).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, signs * sizes, rtol=1e-9)


def test_frozen_selectors_are_no_weights_and_free_ones_start_as_published_and_are_rounded_in_evaluation() -> None:
    assert [name for name, _ in dmu(1).named_parameters()] == ["g"]
    free = dmu(1, subtract=True, frozen=False)
    x = torch.tensor([[7.0, 3.0]]).double()
    assert free.eval()(x).item() == 4
    assert free.W is not None
    free.W.data = torch.tensor([[0.9, 0.3]]).double()
    assert free(x).item() == 7
    assert free.train()(x).item() != 7
    free.W.data = torch.tensor([[0.9, -0.8]]).double()
    assert free.eval()(x).item() == 10


def test_in_evaluation_gate_and_selectors_are_whole_and_still_have_gradients() -> None:
    unit = dmu(0.3, frozen=False).eval()
    y = unit(torch.tensor([[2.0, 5.0]]).double())
    y.sum().backward()
    assert y.item() == 7
    assert unit.g.grad is not None
    assert unit.g.grad.item() != 0


def test_zeros_and_a_division_by_zero_are_exact_without_eps() -> None:
    x = torch.tensor([[0.0, 5.0], [5.0, 0.0]]).double()
    assert dmu(-1, subtract=True, eps=0).eval()(x)[:, 0].tolist() == [0, math.inf]
    assert dmu(1, subtract=True, eps=0).eval()(x)[:, 0].tolist() == [-5, 5]
    assert dmu(-1, subtract=True).eval()(x).isfinite().all()


def test_start_gates_are_xavier_uniform_and_the_schedule_is_the_published_one() -> None:
    torch.manual_seed(0)
    g = DMU(2, 1000).g
    assert 0.97 * math.sqrt(6 / 1002) < g.abs().max().item() <= math.sqrt(6 / 1002) + 1e-8
    schedule = DMU.HYPERPARAMETERS
    assert (schedule.learning_rate, schedule.steps, schedule.clip_norm, schedule.penalty) == (1e-3, 3_000, 0.01, 0)


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        DMU(2, 1, eps=-1)
