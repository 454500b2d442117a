import math

import numpy as np
import pytest
import torch

from models.functional import nac_range
from models.units.nac_dot import NACDot


def ideal(weights: list[list[float]], eps: float = 0.0) -> NACDot:
    """A NAC-dot whose exponents are, within float64, the given matrix of -1, 0 and 1."""
    W = torch.tensor(weights, dtype=torch.float64)
    unit = NACDot(W.shape[1], W.shape[0], eps=eps).double()
    unit.W_hat.data, unit.M_hat.data = 40 * W, torch.full_like(W, 40)
    return unit


def test_ideal_weights_multiply_and_divide_outside_any_range() -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 3))
    y = ideal([[1, 1, 0], [1, -1, 0]])(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, np.stack([x[:, 0] * x[:, 1], x[:, 0] / x[:, 1]], 1), rtol=1e-13)


def test_it_computes_the_published_equation_and_the_sign_is_lost() -> None:
    torch.manual_seed(0)
    unit = NACDot(3, 2).double()
    x = np.random.default_rng(0).uniform(-5, 5, (50, 3))
    W_hat, M_hat = (unit.get_parameter(name).detach().numpy() for name in ("W_hat", "M_hat"))
    expected = np.exp(np.log(np.abs(x) + 1e-7) @ (np.tanh(W_hat) / (1 + np.exp(-M_hat))).T)
    for signed in (x, -x):
        np.testing.assert_allclose(unit(torch.from_numpy(signed)).detach().numpy(), expected, rtol=1e-12)


def test_zeros_are_exact_without_eps_and_finite_with_it() -> None:
    x = torch.tensor([[0.0, 5, 0], [5, 0, 0]], dtype=torch.float64)
    assert ideal([[1, 1, 0], [1, -1, 0]])(x).tolist() == [[0, 0], [0, math.inf]]
    assert ideal([[1, 1, 0], [1, -1, 0]], eps=1e-7)(x).isfinite().all()


def test_start_weights_give_the_exponents_the_published_variance() -> None:
    torch.manual_seed(0)
    for sizes in ((100, 100), (400, 50)):
        r = nac_range(*sizes)
        unit = NACDot(*sizes)
        assert all(0.99 * r < weight.abs().max() <= r for weight in unit.parameters())
        assert unit.W.var().item() == pytest.approx(2 / sum(sizes), rel=0.03)
    # two inputs and one output count as five
    W = torch.tanh(torch.empty(10**6).uniform_(-1, 1) * nac_range(2, 1))
    gate = torch.sigmoid(torch.empty(10**6).uniform_(-1, 1) * nac_range(2, 1))
    assert (W * gate).var().item() == pytest.approx(2 / 5, rel=0.01)


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        NACDot(2, 1, eps=-1)
