import math

import numpy as np
import pytest
import torch

from models.units.real_npu import RealNPU

EPS = 2.0**-23


def real_npu(W: list[list[float]], g: list[float], eps: float = 0.0) -> RealNPU:
    unit = RealNPU(len(W[0]), len(W), eps=eps).double()
    unit.W.data, unit.g.data = torch.tensor(W, dtype=torch.float64), torch.tensor([g], dtype=torch.float64)
    return unit


def reference(x: np.ndarray, W: np.ndarray, g: np.ndarray, eps: float) -> np.ndarray:
    """The real part of a complex power, whose base the gate moves from 1 to x."""
    g = np.clip(g, 0, 1)
    log = np.log(g * (np.abs(x) + eps) + 1 - g) + 1j * g * np.pi * (x < 0)
    return np.exp(log @ W.T).real


@pytest.mark.parametrize("eps", [EPS, 0.0])
def test_it_computes_the_published_equation(eps: float) -> None:
    rng = np.random.default_rng(0)
    x, W, g = rng.uniform(-5, 5, (50, 3)), rng.normal(size=(2, 3)), np.array([-0.2, 0.6, 1.3])
    actual = real_npu(W.tolist(), g.tolist(), eps)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(actual, reference(x, W, g, eps), rtol=1e-10, atol=1e-12)


def test_ideal_weights_are_exact_outside_any_range_with_the_sign() -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 3)) * [1, -1, 1]
    y = real_npu([[1, 1, 1], [1, -1, 1], [0, 2, 1]], [1, 1, 0])(torch.from_numpy(x)).detach().numpy()
    expected = np.stack([x[:, 0] * x[:, 1], x[:, 0] / x[:, 1], x[:, 1] ** 2], 1)
    np.testing.assert_allclose(y, expected, rtol=1e-13)


def test_without_eps_zeros_are_exact_and_a_division_by_zero_shows() -> None:
    unit = real_npu([[1, 1, 1], [1, -1, 0]], [1, 1, 0])
    x = torch.tensor([[0.0, 5, 0], [5, 0, 0], [-5, 0, 0]]).double()
    assert unit(x).tolist() == [[0, 0], [0, math.inf], [0, -math.inf]]
    assert real_npu([[1, 1, 1], [1, -1, 0]], [1, 1, 0], EPS)(x).isfinite().all()


def test_start_weights_are_xavier_uniform_or_modified_a_naus() -> None:
    torch.manual_seed(0)
    for modified, r in ((False, (6 / 400) ** 0.5), (True, (6 / 400) ** 0.5)):
        W = RealNPU(300, 100, modified=modified).W
        assert 0.99 * r < W.abs().max() <= r
    plain, modified_W = (
        torch.cat([RealNPU(2, 1, modified=modified).W.detach() for _ in range(1000)]) for modified in (False, True)
    )
    assert 1.39 < plain.abs().max() <= 2**0.5
    assert 0.49 < modified_W.abs().max() <= 0.5
    assert RealNPU(2, 1).g.tolist() == [[0.5, 0.5]]


def test_only_the_modified_unit_has_bounds_and_a_penalty_that_counts() -> None:
    plain, modified = RealNPU(2, 1), RealNPU(2, 1, modified=True)
    assert (plain.BOUNDS, plain.HYPERPARAMETERS.penalty) == ({}, 0)
    assert modified.BOUNDS == {"W": (-1, 1), "g": (0, 1)}
    assert (modified.HYPERPARAMETERS.penalty, modified.HYPERPARAMETERS.ramp) == (1, (40_000, 50_000))
    assert modified.HYPERPARAMETERS.for_task("divide", 10).ramp == (50_000, 75_000)
    for unit in (plain, modified):
        assert unit.HYPERPARAMETERS.for_task("multiply", 2).l1 == (1e-7, 1e-5)
        assert unit.HYPERPARAMETERS.for_task("divide", 2).l1 == (1e-9, 1e-7)


def test_the_penalty_draws_exponents_to_one_and_minus_one_and_gates_to_zero_and_one() -> None:
    W, g = torch.tensor([[1.0], [-1], [0.2], [-1.5]]), torch.tensor([[0.0], [1], [0.3], [0.9]])
    torch.testing.assert_close(RealNPU.penalty(W, g), torch.tensor([(0.8 + 0.5) / 4 + (0.3 + 0.1) / 4]))


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        RealNPU(2, 1, eps=-1)


def test_a_modified_unit_can_be_scripted_too() -> None:
    unit = RealNPU(2, 1, modified=True)
    x = torch.rand(4, 2) - 0.5
    torch.testing.assert_close(torch.jit.script(unit)(x), unit(x))  # type: ignore[no-untyped-call]
