import math

import numpy as np
import pytest
import torch

from models.units.inalu import INALU


def inalu(W_a: list[float], W_m: list[float], g: float, **options: float) -> INALU:
    """An iNALU whose two weights are, within float64, the given rows of -1, 0 and 1."""
    unit = INALU(len(W_a), 1, **options).double()
    for name, row in (("a", W_a), ("m", W_m)):
        unit.get_parameter(f"W_{name}_hat").data = 40 * torch.tensor([row]).double()
        unit.get_parameter(f"M_{name}_hat").data = torch.full((1, len(row)), 40.0).double()
    unit.g.data = torch.tensor([g]).double()
    return unit


@pytest.mark.parametrize("eps", [1e-7, 0.0])
def test_it_computes_the_published_equations(eps: float) -> None:
    torch.manual_seed(0)
    unit = INALU(3, 2, eps=eps).double()
    w = {name: value.detach().numpy() for name, value in unit.state_dict().items()}
    x = np.random.default_rng(0).uniform(-5, 5, (50, 3))
    W_a, W_m = (np.tanh(w[f"W_{p}_hat"]) / (1 + np.exp(-w[f"M_{p}_hat"])) for p in "am")
    m = np.exp(np.minimum(np.log(np.maximum(np.abs(x), 1e-7)) @ W_m.T, 20))
    sign = np.prod(np.sign(x)[:, None] * np.abs(W_m) + 1 - np.abs(W_m), 2)
    gate = 1 / (1 + np.exp(-w["g"]))
    expected = gate * (x @ W_a.T) + (1 - gate) * m * sign
    np.testing.assert_allclose(unit(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-11)


@pytest.mark.parametrize(
    ("W_a", "W_m", "g", "law"),
    [
        ([1, -1, 0], [1, 1, 0], 800, lambda a, b: a - b),
        ([1, -1, 0], [1, 1, 0], -800, lambda a, b: a * b),
        ([1, 1, 0], [1, -1, 0], -800, lambda a, b: a / b),
    ],
)
def test_ideal_weights_are_exact_outside_any_range_with_the_sign(
    W_a: list[float], W_m: list[float], g: float, law: object
) -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 3)) * [1, -1, 1]
    y = inalu(W_a, W_m, g, eps=0.0)(torch.from_numpy(x)).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, law(x[:, 0], x[:, 1]), rtol=1e-13)


def test_without_eps_zeros_are_exact_and_a_gate_that_adds_ignores_an_infinite_product() -> None:
    x = torch.tensor([[0.0, 5, 0], [5, 0, 0], [-5, 0, 0]]).double()
    assert inalu([1, 1, 0], [1, 1, 0], -800, eps=0.0)(x).flatten().tolist() == [0, 0, 0]
    assert inalu([1, 1, 0], [1, -1, 0], -800, eps=0.0)(x).flatten().tolist() == [0, math.inf, -math.inf]
    assert inalu([1, 1, 0], [1, -1, 0], 800, eps=0.0)(x).flatten().tolist() == [5, 5, -5]


def test_the_exponent_stops_at_omega_unless_eps_is_zero() -> None:
    x = torch.tensor([[1e6, 1e6]]).double()
    assert inalu([0, 0], [1, 1], -800)(x).item() == pytest.approx(math.exp(20))
    assert inalu([0, 0], [1, 1], -800, omega=5)(x).item() == pytest.approx(math.exp(5))
    assert inalu([0, 0], [1, 1], -800, eps=0.0)(x).item() == pytest.approx(1e12)


def test_start_weights_are_normal_around_the_published_means() -> None:
    torch.manual_seed(0)
    means = {"W_a_hat": 0.88, "M_a_hat": 0.5, "W_m_hat": 0.88, "M_m_hat": 0.5, "g": 0.0}
    unit = INALU(10, 5000)
    assert {name for name, _ in unit.named_parameters()} == means.keys()
    for name, mean in means.items():
        weight = unit.get_parameter(name)
        assert weight.mean().item() == pytest.approx(mean, abs=0.01)
        assert weight.std().item() == pytest.approx(0.2, rel=0.05)


def test_the_penalty_draws_all_weights_beyond_twenty() -> None:
    weights = {name: torch.full((2, 1), 25.0) for name in ("W_a_hat", "M_a_hat", "W_m_hat", "M_m_hat")}
    assert INALU.penalty(**weights, g=torch.tensor([-20.0])).tolist() == [0]
    weights["W_m_hat"] = torch.tensor([[-4.0], [19]])
    assert INALU.penalty(**weights, g=torch.tensor([3.0])).tolist() == [(16 + 1) / 2 + 17]


def test_the_schedule_is_the_published_one() -> None:
    schedule = INALU.HYPERPARAMETERS
    assert (schedule.penalty_at(10_000), schedule.penalty_at(10_001), schedule.penalty_below) == (0, 0.05, 1)
    assert (schedule.clip_value, schedule.restart) == (0.1, True)


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        INALU(2, 1, eps=-1)
