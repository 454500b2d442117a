import numpy as np
import pytest
import torch

from models.functional import nac_weight
from models.units.nac import NAC


def ideal_nac(weights: list[list[float]]) -> NAC:
    """A NAC whose W is, within float64, the given matrix of -1, 0 and 1."""
    W = torch.tensor(weights, dtype=torch.float64)
    nac = NAC(W.shape[1], W.shape[0]).double()
    with torch.no_grad():
        nac.W_hat.copy_(40 * W)
        nac.M_hat.fill_(40)
    return nac


def test_nac_with_ideal_weights_adds_exactly_outside_any_range() -> None:
    x = np.random.default_rng(0).uniform(-1e9, 1e9, (100, 3))
    y = ideal_nac([[1, -1, 0], [1, 1, 1]])(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, np.stack([x[:, 0] - x[:, 1], x.sum(1)], 1), rtol=1e-12, atol=1e-6)


def test_the_weight_is_tanh_times_sigmoid() -> None:
    W_hat, M_hat = np.random.default_rng(1).normal(size=(2, 4, 5))
    expected = np.tanh(W_hat) / (1 + np.exp(-M_hat))
    actual = nac_weight(torch.from_numpy(W_hat), torch.from_numpy(M_hat)).numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-12)


def test_the_weight_is_computed_anew_at_every_forward_pass() -> None:
    nac = NAC(2, 1)
    x = torch.ones(1, 2)
    before = nac(x).item()
    with torch.no_grad():
        nac.W_hat.fill_(20)
        nac.M_hat.fill_(20)
    assert nac(x).item() == pytest.approx(2)
    assert before != pytest.approx(2)


def test_W_hat_and_M_hat_are_what_is_trained_saved_and_moved() -> None:
    nac = NAC(3, 2)
    nac(torch.ones(1, 3)).sum().backward()
    assert sorted(nac.state_dict()) == ["M_hat", "W_hat"]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in nac.parameters())
    assert all(p.dtype == torch.float64 for p in nac.double().parameters())


def test_no_training_can_push_a_weight_beyond_one() -> None:
    torch.manual_seed(0)
    nac = NAC(2, 1)
    optimizer = torch.optim.SGD(nac.parameters(), lr=10)
    x = torch.rand(64, 2)
    for _ in range(200):
        optimizer.zero_grad()
        (nac(x) - 100 * x.sum(1, keepdim=True)).square().mean().backward()
        optimizer.step()
    assert nac.W.abs().max() <= 1


def test_start_weights_are_finite_reproducible_and_kaiming_normal() -> None:
    torch.manual_seed(3)
    first = NAC(400, 400)
    torch.manual_seed(3)
    second = NAC(400, 400)
    assert torch.equal(first.W_hat, second.W_hat)
    assert torch.equal(first.M_hat, second.M_hat)
    for weight in first.parameters():
        assert weight.std().item() == pytest.approx((2 / 400) ** 0.5, rel=0.02)
        assert weight.mean().item() == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("sizes", "name", "value"), [((0, 1), "in_features", 0), ((1, -2), "out_features", -2)])
def test_a_size_below_one_is_refused(sizes: tuple[int, int], name: str, value: int) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be at least 1, got {value}\.$"):
        NAC(*sizes)
