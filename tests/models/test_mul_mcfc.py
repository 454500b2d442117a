import math

import numpy as np
import pytest
import torch

from models.units.mul_mcfc import MulMCFC


def ideal(trash: bool, eps: float = 0.0) -> MulMCFC:
    """A MulMCFC of three inputs that multiplies all of them, or with the trash the first and the last."""
    unit = MulMCFC(3, 1, trash=trash, eps=eps).double()
    unit.b.data[:] = 50
    if trash:
        unit.R_hat.data = torch.tensor([[400.0, 0, 400], [0, 400, 0]], dtype=torch.float64)
    return unit


def test_it_computes_the_published_equation_with_the_sign_of_inalu() -> None:
    torch.manual_seed(0)
    unit = MulMCFC(3, 2).double()
    unit.c.data = torch.tensor([0.3, -0.2], dtype=torch.float64)
    x, R_hat = np.random.default_rng(0).uniform(-5, 5, (50, 3)), unit.R_hat.detach().numpy()
    R = np.exp(R_hat) / np.exp(R_hat).sum(0)
    o = 1 / (1 + np.exp(-(unit.w + unit.b).detach().numpy()))
    sizes = np.exp(o * (np.log(np.abs(x)) @ R.T) + [0.3, -0.2])
    signs = np.stack([np.prod(np.sign(x) * row + 1 - row, 1) for row in R], 1)
    np.testing.assert_allclose(unit(torch.from_numpy(x)).detach().numpy(), sizes * signs, rtol=1e-12, atol=1e-14)


def test_ideal_weights_multiply_outside_any_range_signs_included() -> None:
    x = np.random.default_rng(0).uniform(-1e6, 1e6, (100, 3))
    for trash, expected in ((False, x.prod(1)), (True, x[:, 0] * x[:, 2])):
        y = ideal(trash)(torch.from_numpy(x)).detach().numpy()[:, 0]
        np.testing.assert_allclose(y, expected, rtol=1e-13)


def test_zeros_are_exact_without_eps_and_finite_with_it() -> None:
    x = torch.tensor([[0.0, 5, 2], [3, 0, -2]], dtype=torch.float64)
    assert ideal(trash=True)(x)[:, 0].tolist() == [0, -6]
    assert ideal(trash=False)(x).abs().tolist() == [[0], [0]]
    assert ideal(trash=False, eps=1e-7)(x).isfinite().all()
    assert not math.copysign(1, ideal(trash=True)(torch.tensor([[0.0, 1, 1]]).double()).item()) < 0


def test_c_starts_at_zero() -> None:
    assert MulMCFC(3, 2).c.tolist() == [0, 0]


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        MulMCFC(2, 1, eps=-1)
