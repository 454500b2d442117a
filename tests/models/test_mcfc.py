import numpy as np
import pytest
import torch

from models.units.mcfc import MCFC


def test_it_computes_the_published_equation() -> None:
    torch.manual_seed(0)
    unit = MCFC(3, 2).double()
    unit.b.data += torch.tensor([0.5, -2.0])
    x, R_hat = np.random.default_rng(0).uniform(-5, 5, (50, 3)), unit.R_hat.detach().numpy()
    R = np.exp(R_hat) / np.exp(R_hat).sum(0)
    o = 1 / (1 + np.exp(-(unit.w + unit.b).detach().numpy()))
    np.testing.assert_allclose(unit(torch.from_numpy(x)).detach().numpy(), o * (x @ R.T), rtol=1e-12, atol=1e-14)


def test_with_open_gates_the_outputs_sum_to_the_inputs() -> None:
    unit = MCFC(4, 3).double()
    unit.b.data[:] = 50
    x = torch.from_numpy(np.random.default_rng(0).uniform(-1e6, 1e6, (100, 4)))
    torch.testing.assert_close(unit(x).sum(1), x.sum(1), rtol=1e-12, atol=1e-9)


def test_one_output_without_trash_adds_all_inputs_exactly_once_its_gate_is_open() -> None:
    unit = MCFC(3, 1).double()
    unit.b.data[:] = 50
    x = np.random.default_rng(0).integers(-(2**40), 2**40, (100, 3)).astype(float)
    np.testing.assert_array_equal(unit(torch.from_numpy(x)).detach().numpy()[:, 0], x.sum(1))


def test_what_goes_to_the_trash_is_left_out() -> None:
    unit = MCFC(3, 1, trash=True).double()
    unit.R_hat.data = torch.tensor([[400.0, 0, 400], [0, 400, 0]], dtype=torch.float64)
    unit.b.data[:] = 50
    assert unit(torch.tensor([[1.0, 20, 300]]).double()).tolist() == [[301]]
    assert unit.W.tolist() == [pytest.approx([1, 0, 1], abs=1e-15)]


def test_start_values_are_the_published_ones() -> None:
    torch.manual_seed(0)
    square, wide = MCFC(3, 3), MCFC(5, 2)
    assert torch.equal(square.R_hat, torch.eye(3))
    torch.testing.assert_close(wide.R_hat @ wide.R_hat.T, torch.eye(2))
    assert wide.w.norm().item() == pytest.approx(1)
    assert wide.b.tolist() == [0, 0]


def test_below_saturation_the_penalty_has_the_published_gradient_and_beyond_it_none() -> None:
    R_hat, w = torch.randn(4, 3, 1, 1).double(), torch.tensor([[[1.0]], [[25]], [[3]]]).double()
    for weight in (R_hat, w):
        weight.requires_grad_()
    MCFC.penalty(R_hat, w, torch.zeros_like(w)).mean(0).sum().backward()
    torch.testing.assert_close(R_hat.grad, -2 * R_hat.detach() / 12)
    assert w.grad is not None
    assert w.grad.flatten().tolist() == pytest.approx([-2 / 3, 0, -2])
