import math
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from models.units._amu_gradient import MAX_NORM
from models.units.amu import AMU

LAWS = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "a^2": lambda a, b: a**2,
    "sqrt|a|": lambda a, b: abs(a) ** 0.5,
    "1 / b": lambda a, b: 1 / b,
}
RANGES = [(1.1, 1.2), (-2.0, 2.0)]
IDEAL = {
    "a + b": (1.0, [1, 1], [0, 0]),
    "a - b": (1.0, [1, -1], [0, 0]),
    "a * b": (-1.0, [1, 1], [1, 1]),
    "a / b": (-1.0, [1, -1], [1, 1]),
    "a^2": (-1.0, [2, 0], [0, 0]),
    "sqrt|a|": (-1.0, [0.5, 0], [0, 0]),
    "1 / b": (-1.0, [0, -1], [0, 1]),
}
"""Gate, weights of the branch that it takes, parities."""


def ideal(law: str, *, eps: float = 1e-7) -> AMU:
    """A unit with the law's exact weights, and useless ones in the other branch."""
    gate, weights, parity = IDEAL[law]
    unit = AMU(2, 1, eps=eps).double().eval()
    with torch.no_grad():
        unit.gate.fill_(gate)
        (unit.W_add if gate > 0 else unit.W_mul).copy_(torch.tensor([weights]))
        unit.p.copy_(torch.tensor([parity]))
    return unit


def uniform(low: float, high: float, rows: int = 200, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(low, high, (rows, 2)))


@pytest.fixture(scope="module")
def learned() -> dict[tuple[str, tuple[float, float]], AMU]:
    """Units trained by Adam on the squared error of their output, on fresh rows, side by side."""
    torch.manual_seed(0)
    cells = list(product(LAWS, RANGES))
    units = [AMU(2, 1).double() for _ in cells]
    weights = {
        name: torch.stack([unit.get_parameter(name).detach().t() for unit in units], -1).unsqueeze(-1).requires_grad_()
        for name in ("W_add", "W_mul", "p", "gate")
    }
    low, high = torch.tensor([bounds for _, bounds in cells], dtype=torch.float64).t().unsqueeze(-1)
    adam = torch.optim.Adam(weights.values(), lr=AMU.HYPERPARAMETERS.learning_rate)
    for _ in range(600):
        x = low + (high - low) * torch.rand(2, len(cells), 64, dtype=torch.float64)
        target = torch.stack([LAWS[law](*x[:, i]) for i, (law, _) in enumerate(cells)])
        adam.zero_grad()
        (AMU.equation(x.unsqueeze(1), training=True, **weights)[0] - target).square().mean(-1).sum().backward()
        adam.step()
    for i, unit in enumerate(units):
        for name, weight in weights.items():
            unit.get_parameter(name).data = weight.detach()[..., i, 0].t()
    return dict(zip(cells, [unit.eval() for unit in units], strict=True))


@pytest.mark.parametrize("law", LAWS)
def test_ideal_weights_are_exact_for_all_signs_far_outside_any_training_range(law: str) -> None:
    x = uniform(-1e6, 1e6)
    y = ideal(law)(x).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, LAWS[law](*x.numpy().T), rtol=1e-12)


def test_in_evaluation_the_unit_is_its_formula() -> None:
    torch.manual_seed(0)
    unit = AMU(3, 4).double().eval()
    with torch.no_grad():
        unit.p.uniform_(0, 1)
        unit.gate.copy_(torch.tensor([1.0, 0.1, -0.1, -1.0]))
    W_add, W_mul, p, gate = (weight.detach().numpy() for weight in unit.parameters())
    x = np.random.default_rng(0).uniform(-5, 5, (50, 3))
    sums = x @ W_add.T
    signs = np.prod(np.where((x[:, None] < 0) & (p > 0.5), -1, 1), axis=2)
    products = signs * np.exp(np.log(np.abs(x)) @ W_mul.T)
    np.testing.assert_allclose(unit(torch.from_numpy(x)).detach().numpy(), np.where(gate > 0, sums, products))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("bounds", RANGES)
def test_it_finds_operation_and_operands_from_its_output_alone(
    learned: dict[tuple[str, tuple[float, float]], AMU], law: str, bounds: tuple[float, float]
) -> None:
    x = uniform(3, 6)
    y = learned[law, bounds](x).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, LAWS[law](*x.numpy().T), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["a * b", "a / b", "a^2", "1 / b"])
def test_trained_on_positive_inputs_it_has_the_signs_of_the_exponents(
    learned: dict[tuple[str, tuple[float, float]], AMU], law: str
) -> None:
    x = uniform(-6, -3) * torch.tensor([1.0, -1.0])
    y = learned[law, (1.1, 1.2)](x).detach().numpy()[:, 0]
    np.testing.assert_allclose(y, LAWS[law](*x.numpy().T), rtol=1e-6)


def test_in_training_every_entry_is_the_sum_or_the_product_and_the_gate_sets_how_often() -> None:
    torch.manual_seed(0)
    unit = ideal("a + b").train()
    with torch.no_grad():
        unit.gate.fill_(0.5)
        unit.W_mul.copy_(torch.tensor([[2.0, -1.0]]))
    x = uniform(1, 2, 10_000)
    y = unit(x)[:, 0].detach()
    adds, multiplies = y == x.sum(1), torch.isclose(y, x[:, 0] ** 2 / x[:, 1], rtol=1e-12)
    assert (adds ^ multiplies).all()
    assert adds.double().mean() == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize(("law", "weights"), [("a - b", "W_add"), ("a / b", "W_mul")])
def test_the_gradient_of_a_squared_error_points_straight_from_the_weights_sought(law: str, weights: str) -> None:
    torch.manual_seed(0)
    unit = ideal(law).train()
    x = uniform(1.1, 1.2, 400)
    target = unit.eval()(x).detach()
    distance = torch.tensor([[1e-4, 2e-4]], dtype=torch.float64)
    with torch.no_grad():
        unit.get_parameter(weights).add_(distance)
    (unit.train()(x) - target).square().mean().backward()
    torch.testing.assert_close(unit.get_parameter(weights).grad, 2 * MAX_NORM * distance, rtol=1e-3, atol=0)


@pytest.mark.parametrize(("law", "pull"), [("a + b", -1), ("a * b", 1)])
def test_the_gate_is_pulled_with_the_same_strength_at_any_scale_towards_the_branch_without_error(
    law: str, pull: float
) -> None:
    torch.manual_seed(0)
    for scale in (1e-3, 1, 1e3):
        unit = ideal(law).train()
        with torch.no_grad():
            unit.gate.zero_()
        x = uniform(1, 2) * scale
        target = torch.from_numpy(LAWS[law](*x.numpy().T))
        (unit(x)[:, 0] - target).square().mean().backward()
        assert unit.gate.grad is not None
        assert unit.gate.grad.item() == pytest.approx(pull)


def test_what_stands_before_the_unit_learns_from_the_branch_that_the_gate_trusts() -> None:
    torch.manual_seed(0)
    unit = ideal("a + b").train()  # its gate is 1; a tenth of the draws are products
    x = uniform(1, 2).requires_grad_()
    y = unit(x)
    y.sum().backward()
    adds = y[:, 0] == x.sum(1)
    assert 0 < (~adds).sum() < 50
    assert x.grad is not None
    assert torch.equal(x.grad, adds.double().unsqueeze(1).expand(-1, 2))


@pytest.mark.parametrize("target", [math.inf, -math.inf, math.nan])
def test_a_target_that_is_not_finite_spoils_no_weight(target: float) -> None:
    torch.manual_seed(0)
    unit, targets = AMU(2, 1), torch.ones(50)
    targets[7] = target
    (unit(uniform(-2, 2, 50).float())[:, 0] - targets).square().mean().backward()
    assert all(weight.grad is not None and weight.grad.isfinite().all() for weight in unit.parameters())


def test_stacked_replicas_get_the_gradients_of_modules() -> None:
    torch.manual_seed(0)
    unit, x = AMU(2, 1).double(), uniform(-2, 2)
    torch.manual_seed(1)
    unit(x).square().sum().backward()
    stacked = {name: weight.detach().t()[..., None, None].requires_grad_() for name, weight in unit.named_parameters()}
    torch.manual_seed(1)
    AMU.equation(x.t()[:, None, None], training=True, **stacked).square().sum().backward()
    for name, weight in unit.named_parameters():
        torch.testing.assert_close(stacked[name].grad.flatten(), weight.grad.flatten())


def test_a_single_vector_trains_as_a_batch_of_one() -> None:
    torch.manual_seed(0)
    unit, x = AMU(3, 4).double(), torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
    gradients = []
    for given in (x, x.unsqueeze(0)):
        unit.zero_grad()
        torch.manual_seed(1)
        unit(given).square().sum().backward()
        gradients.append([weight.grad for weight in unit.parameters()])
    torch.testing.assert_close(*gradients)


def test_without_eps_zeros_are_exact_and_a_division_by_zero_shows() -> None:
    def at(law: str, a: float, b: float) -> float:
        return float(ideal(law, eps=0)(torch.tensor([[a, b]], dtype=torch.float64)).item())

    assert at("a * b", 0, 5) == 0
    assert at("a / b", 5, 0) == math.inf
    assert at("a^2", -3, 0) == 9
    assert at("a + b", 0, 0) == 0


def test_compiling_the_training_pass_is_refused_as_its_gradients_would_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    with pytest.raises(RuntimeError, match=r"^The AMU's training pass has gradients of its own, which torch\.compile"):
        AMU(2, 1)(torch.ones(3, 2))


def test_a_scripted_training_pass_is_refused_for_the_same_reason() -> None:
    scripted = torch.jit.script(AMU(2, 1))  # type: ignore[no-untyped-call]
    with pytest.raises(torch.jit.Error, match=r"which TorchScript drops; call eval\(\)\."):  # type: ignore[attr-defined]
        scripted(torch.ones(3, 2))
    assert scripted.eval()(torch.ones(3, 2)).shape == (3, 1)


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        AMU(2, 1, eps=-1)
