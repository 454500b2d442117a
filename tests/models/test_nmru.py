import math

import numpy as np
import pytest
import torch

from models.units.nmru import NMRU


def nmru(weights: list[list[float]], eps: float = 0.0) -> NMRU:
    unit = NMRU(len(weights[0]) // 2, len(weights), eps=eps).double()
    unit.W.data = torch.tensor(weights, dtype=torch.float64)
    return unit


@pytest.mark.parametrize("training", [False, True])
def test_it_computes_the_published_equation(training: bool) -> None:
    rng = np.random.default_rng(0)
    x, W = rng.uniform(-5, 5, (50, 3)), rng.uniform(0, 1, (2, 6))
    z = np.concatenate([x, 1 / x], 1)
    sizes = np.stack([np.prod(row * np.abs(z) + 1 - row, 1) for row in W], 1)
    expected = sizes * np.cos(np.pi * (z < 0) @ W.T)
    actual = nmru(W.tolist(), 1e-7).train(training)(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)


def test_ideal_weights_multiply_and_divide_exactly_outside_any_range_with_the_sign() -> None:
    x = np.random.default_rng(0).uniform(1, 1e6, (100, 3)) * [1, -1, 1]
    y = nmru([[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 1, 0]])(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, np.stack([x[:, 0] * x[:, 1], x[:, 0] / x[:, 1], 1 / x[:, 1]], 1), rtol=1e-14)


def test_without_eps_zeros_are_exact_and_a_division_by_zero_shows() -> None:
    weights = [[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0], [1, 0, 1e-9, 0, 1, 1e-9]]
    x = torch.tensor([[0.0, 5, 0], [5, 0, 0], [-5, 0, 0]]).double()
    assert nmru(weights)(x).tolist() == [[0, 0, 0], [0, math.inf, math.inf], [0, -math.inf, -math.inf]]
    assert nmru(weights, 1e-7)(x).isfinite().all()


def test_a_magnitude_below_eps_counts_as_eps_in_its_reciprocal_alone() -> None:
    x = torch.tensor([[0.25], [-0.25], [4]]).double()
    assert nmru([[1, 0], [0, 1]], 0.5)(x).tolist() == pytest.approx(np.array([[0.25, 2], [-0.25, -2], [4, 0.25]]))


def test_start_weights_are_uniform_around_a_half_for_inputs_and_reciprocals() -> None:
    torch.manual_seed(0)
    unit = NMRU(300, 10)
    assert unit.W.shape == (10, 600)
    assert 0.25 <= unit.W.min() < 0.26
    assert 0.74 < unit.W.max() <= 0.75


def test_the_penalty_is_the_distance_from_zero_and_one() -> None:
    torch.testing.assert_close(NMRU.penalty(torch.tensor([[0.0], [1], [0.25], [0.6]])), torch.tensor([0.65 / 4]))


def test_the_schedule_is_the_published_one() -> None:
    schedule = NMRU.HYPERPARAMETERS
    assert (schedule.learning_rate, schedule.penalty, schedule.ramp, schedule.clip_norm) == (
        1e-2,
        10,
        (20_000, 35_000),
        1,
    )


def test_a_negative_eps_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^eps must be at least 0, got -1\.$"):
        NMRU(2, 1, eps=-1)
