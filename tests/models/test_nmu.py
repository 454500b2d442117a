import numpy as np
import torch

from models.units.nmu import NMU


def nmu(weights: list[list[float]]) -> NMU:
    unit = NMU(len(weights[0]), len(weights)).double()
    unit.W.data = torch.tensor(weights, dtype=torch.float64)
    return unit


def test_ideal_weights_multiply_exactly_outside_any_range_signs_and_zeros_included() -> None:
    x = np.random.default_rng(0).integers(-(2**25), 2**25, (100, 3)).astype(float)
    x[0] = [0, 7, -3]
    y = nmu([[1, 1, 0], [0, 1, 0]])(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_array_equal(y, np.stack([x[:, 0] * x[:, 1], x[:, 1]], 1))


def test_it_computes_the_published_product_for_few_and_for_many_inputs() -> None:
    rng = np.random.default_rng(0)
    for n_in in (3, 40):
        x, W = rng.uniform(-2, 2, (20, n_in)), rng.uniform(0, 1, (2, n_in))
        expected = np.stack([np.prod(row * x + 1 - row, 1) for row in W], 1)
        np.testing.assert_allclose(nmu(W.tolist())(torch.from_numpy(x)).detach().numpy(), expected, rtol=1e-12)


def test_start_weights_are_uniform_around_a_half() -> None:
    torch.manual_seed(0)
    W = NMU(300, 10).W
    assert 0.25 <= W.min() < 0.26
    assert 0.74 < W.max() <= 0.75


def test_the_penalty_is_the_distance_from_zero_and_one() -> None:
    W = torch.tensor([[0.0, 1, 0.25, 0.6]]).t()
    torch.testing.assert_close(NMU.penalty(W), torch.tensor([(0.25 + 0.4) / 4]))


def test_small_numbers_keep_all_their_digits() -> None:
    x = np.random.default_rng(0).uniform(1e-12, 1e-6, (100, 2))
    np.testing.assert_array_equal(nmu([[1, 1]])(torch.from_numpy(x)).detach().numpy()[:, 0], x[:, 0] * x[:, 1])
