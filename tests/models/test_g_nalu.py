import math

import numpy as np
import pytest
import torch

from models.functional import nac_range
from models.units.g_nalu import GNALU

PHI = (1 + 5**0.5) / 2


def ideal(weights: list[float], gate: float) -> GNALU:
    """A G-NALU whose weight is, within float64, a row of -1, 0 and 1, and whose gate is decided for positive inputs."""
    W = torch.tensor([weights], dtype=torch.float64)
    unit = GNALU(len(weights), 1, eps=0.0).double()
    unit.W_hat.data, unit.M_hat.data, unit.G.data = 90 * W, torch.full_like(W, 90), torch.full_like(W, gate)
    return unit


@pytest.mark.parametrize("eps", [1e-7, 0.0])
def test_it_computes_the_published_equations_to_the_base_of_the_golden_ratio(eps: float) -> None:
    torch.manual_seed(0)
    unit = GNALU(3, 2, eps=eps).double()
    W_hat, M_hat, G = (unit.get_parameter(name).detach().numpy() for name in ("W_hat", "M_hat", "G"))
    x = np.random.default_rng(0).uniform(-5, 5, (50, 3))
    W = (PHI ** (2 * W_hat) - 1) / (PHI ** (2 * W_hat) + 1) / (1 + PHI**-M_hat)
    g = 1 / (1 + PHI ** -(x @ G.T))
    expected = g * (x @ W.T) + (1 - g) * PHI ** (np.log(np.abs(x) + eps) @ W.T / np.log(PHI))
    np.testing.assert_allclose(unit(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("weights", "gate", "law"),
    [([1, -1], 1000, np.subtract), ([1, 1], -1000, np.multiply), ([1, -1], -1000, np.divide)],
)
def test_ideal_weights_are_exact_far_outside_any_training_range(weights: list[float], gate: float, law: object) -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 2))
    y = ideal(weights, gate)(torch.from_numpy(x)).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, law(x[:, 0], x[:, 1]), rtol=1e-13)


def test_without_eps_zeros_are_exact_and_a_gate_that_adds_ignores_an_infinite_product() -> None:
    x = torch.tensor([[0.0, 5], [5, 0]]).double()
    assert ideal([1, 1], -1000)(x).flatten().tolist() == [0, 0]
    assert ideal([1, -1], -1000)(x).flatten().tolist() == [0, math.inf]
    assert ideal([1, -1], 1000)(x).flatten().tolist() == [-5, 5]


def test_the_gate_sees_the_input_so_the_operation_can_change_with_its_sign() -> None:
    x = torch.tensor([[3.0, 4], [-3, -4]]).double()
    assert ideal([1, 1], -1000)(x).flatten().tolist() == [12, -7]


def test_start_weights_are_a_nacs_and_the_gates_are_xavier_uniform() -> None:
    torch.manual_seed(0)
    unit = GNALU(300, 100)
    r, gate = nac_range(300, 100), (6 / 400) ** 0.5
    assert all(0.99 * r < weight.abs().max() <= r for weight in (unit.W_hat, unit.M_hat))
    assert 0.99 * gate < unit.G.abs().max() <= gate


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        GNALU(2, 1, eps=-1)
