import math

import numpy as np
import pytest
import torch

from models.units.nac_sigma import NACSigma


def ideal(weights: list[list[float]], eps: float = 0.0) -> NACSigma:
    """A NAC-sigma whose exponents are, within float64, the given matrix of 0 and 1."""
    W = torch.tensor(weights, dtype=torch.float64)
    unit = NACSigma(W.shape[1], W.shape[0], eps=eps).double()
    unit.W_hat.data = 80 * W - 40
    return unit


def test_ideal_weights_multiply_magnitudes_outside_any_range() -> None:
    x = np.random.default_rng(0).uniform(-1e6, 1e6, (100, 3))
    y = ideal([[1, 1, 0], [0, 0, 1]])(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, np.abs(np.stack([x[:, 0] * x[:, 1], x[:, 2]], 1)), rtol=1e-13)


def test_it_computes_the_published_equation_and_the_sign_is_lost() -> None:
    torch.manual_seed(0)
    unit = NACSigma(3, 2).double()
    x, W_hat = np.random.default_rng(0).uniform(-5, 5, (50, 3)), unit.W_hat.detach().numpy()
    expected = np.exp(np.log(np.abs(x) + 1e-7) @ (1 / (1 + np.exp(-W_hat))).T)
    for signed in (x, -x):
        np.testing.assert_allclose(unit(torch.from_numpy(signed)).detach().numpy(), expected, rtol=1e-12)


def test_zeros_are_exact_without_eps() -> None:
    x = torch.tensor([[0.0, 5, 0], [5, 3, 0]], dtype=torch.float64)
    assert ideal([[1, 1, 0]])(x)[:, 0].tolist() == pytest.approx([0, 15], abs=1e-13)
    assert ideal([[1, 1, 0]], eps=1e-7)(x).isfinite().all()


def test_start_weights_are_xavier_normal() -> None:
    torch.manual_seed(0)
    assert NACSigma(400, 100).W_hat.std().item() == pytest.approx(math.sqrt(2 / 500), rel=0.02)


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        NACSigma(2, 1, eps=-1)
