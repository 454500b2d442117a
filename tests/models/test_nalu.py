import math

import numpy as np
import pytest
import torch

from models.functional import log_of_largest, power_product, smallest_normal
from models.units.nalu import NALU


def multiplier(exponents: list[float], *, eps: float = 0.0) -> NALU:
    """A NALU whose gate is shut for positive inputs: it computes the product of powers."""
    nalu = NALU(len(exponents), 1, eps=eps).double()
    with torch.no_grad():
        nalu.G.fill_(-1000)
        nalu.W.copy_(torch.tensor([exponents]))
    return nalu.eval()


def reference(x: np.ndarray, nalu: NALU) -> np.ndarray:
    """The seed's equations, in numpy."""
    weights = {name: value.detach().numpy() for name, value in nalu.state_dict().items()}
    W_nac = np.tanh(weights["nac.W_hat"]) / (1 + np.exp(-weights["nac.M_hat"]))
    gate = 1 / (1 + np.exp(-x @ weights["G"].T))
    log_space = np.exp(np.log(np.abs(x)) @ weights.get("W", W_nac).T)
    return gate * (x @ W_nac.T) + (1 - gate) * log_space


@pytest.mark.parametrize("shared_weights", [False, True])
@pytest.mark.parametrize("eps", [1e-7, 0.0])
def test_nalu_computes_the_published_equations(shared_weights: bool, eps: float) -> None:
    torch.manual_seed(0)
    nalu = NALU(3, 2, shared_weights=shared_weights, eps=eps).double()
    x = np.random.default_rng(0).uniform(-5, 5, (50, 3))
    np.testing.assert_allclose(nalu(torch.from_numpy(x)).detach().numpy(), reference(x, nalu), rtol=1e-10)


def test_gate_and_log_space_weights_are_separate_unless_shared() -> None:
    assert sorted(NALU(2, 1).state_dict()) == ["G", "W", "nac.M_hat", "nac.W_hat"]
    shared = NALU(2, 1, shared_weights=True)
    assert sorted(shared.state_dict()) == ["G", "nac.M_hat", "nac.W_hat"]
    assert torch.equal(shared.exponents, shared.nac.W)


@pytest.mark.parametrize(
    ("exponents", "law"),
    [([1, 1], np.multiply), ([1, -1], np.divide), ([0.5, 0], lambda a, b: np.sqrt(a)), ([2, 0], lambda a, b: a**2)],
)
def test_ideal_weights_are_exact_far_outside_any_training_range(exponents: list[float], law: object) -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 2))
    y = multiplier(exponents)(torch.from_numpy(x)).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, law(x[:, 0], x[:, 1]), rtol=1e-14)


def test_every_parameter_receives_a_gradient() -> None:
    torch.manual_seed(0)
    nalu = NALU(3, 2)
    nalu(torch.rand(8, 3) + 0.5).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in nalu.parameters())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.0, 1e-30, -1e-12, 1e15])
def test_in_training_output_and_gradient_stay_finite_at_zero_and_at_extremes(value: float, dtype: torch.dtype) -> None:
    nalu = NALU(2, 1).to(dtype)
    with torch.no_grad():
        nalu.W.fill_(-6.0)
        nalu.G.fill_(0.0)
    x = torch.full((1, 2), value, dtype=dtype, requires_grad=True)
    y = nalu(x)
    y.backward()
    assert y.isfinite().all()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in nalu.parameters() if p.grad is not None)


def test_the_square_of_the_largest_product_is_still_finite() -> None:
    for dtype in (torch.float32, torch.float64):
        huge = power_product(torch.full((1, 4), 1e30, dtype=dtype), torch.full((1, 4), 50.0, dtype=dtype), eps=1e-7)
        assert huge.square().isfinite().all()
        assert huge.log().item() == pytest.approx(math.log(torch.finfo(dtype).max) / 2 - 1)


def test_without_eps_zeros_are_exact_and_a_division_by_zero_shows() -> None:
    assert power_product(torch.tensor([[0.0, 5.0]]), torch.tensor([[1.0, 1.0]]), eps=0).item() == 0
    assert power_product(torch.tensor([[5.0, 0.0]]), torch.tensor([[1.0, -1.0]]), eps=0).item() == math.inf
    assert power_product(torch.tensor([[5.0, 0.0]]), torch.tensor([[1.0, 0.0]]), eps=0).item() == 5
    for left in (3e-10, -3e-10):  # what training leaves of a zero
        assert power_product(torch.tensor([[5.0, 0.0]]), torch.tensor([[1.0, left]]), eps=0).item() == 5


def test_the_gradient_is_right() -> None:
    torch.manual_seed(0)
    x = (torch.rand(4, 3, dtype=torch.float64) + 0.5).requires_grad_()
    assert torch.autograd.gradcheck(NALU(3, 2).double(), (x,))


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        NALU(2, 1, eps=-1)


def test_the_limits_of_types_that_scripts_can_read_are_those_of_torch() -> None:
    for dtype in (torch.float64, torch.float32, torch.float16):
        assert log_of_largest(dtype) == pytest.approx(math.log(torch.finfo(dtype).max), rel=1e-9)
        assert smallest_normal(dtype) == torch.finfo(dtype).tiny


def test_a_network_of_both_paths_can_be_scripted_and_trained() -> None:
    for shared in (True, False):
        network: torch.nn.Module = NALU(3, 1, shared_weights=shared)
        scripted = torch.jit.script(network)  # type: ignore[no-untyped-call]
        x = torch.rand(4, 3) + 0.5
        torch.testing.assert_close(scripted(x), network(x))
        scripted(x).sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())
