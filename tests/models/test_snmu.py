import numpy as np
import torch

from models.units.nmu import NMU
from models.units.snmu import SNMU


def snmu(weights: list[list[float]]) -> SNMU:
    unit = SNMU(len(weights[0]), len(weights)).double()
    unit.W.data = torch.tensor(weights, dtype=torch.float64)
    return unit


def test_in_evaluation_it_is_the_nmu() -> None:
    torch.manual_seed(0)
    noisy, plain = SNMU(4, 3).double().eval(), NMU(4, 3).double()
    plain.load_state_dict(noisy.state_dict())
    x = torch.randn(50, 4).double()
    assert torch.equal(noisy(x), plain(x))


def test_ideal_weights_cancel_the_noise_of_training() -> None:
    x = np.random.default_rng(0).uniform(-1e6, 1e6, (100, 3))
    y = snmu([[1, 1, 0], [0, 0, 1]]).train()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(y, np.stack([x[:, 0] * x[:, 1], x[:, 2]], 1), rtol=1e-12)


def test_in_training_the_noise_is_uniform_from_one_to_five_for_every_input_of_every_row() -> None:
    torch.manual_seed(0)
    y = snmu([[0.5]]).train()(torch.full((20000, 1), 3.0).double()).detach().numpy().ravel()
    noise = (1 - y) / (y - 3)  # y = (3n + 1) / (n + 1), as W is a half
    assert 1 <= noise.min() < 1.01
    assert 4.99 < noise.max() <= 5
    assert abs(noise.mean() - 3) < 0.03
    assert len(np.unique(noise)) > 19000


def test_all_outputs_of_a_row_share_its_noise() -> None:
    torch.manual_seed(0)
    y = snmu([[0.5, 0.2], [0.5, 0.2]]).train()(torch.rand(20, 2).double())
    torch.testing.assert_close(y[:, 0], y[:, 1])


def test_start_weights_and_penalty_are_the_nmus() -> None:
    torch.manual_seed(0)
    W = SNMU(300, 10).W.detach()
    assert 0.25 <= W.min() < 0.26
    assert 0.74 < W.max() <= 0.75
    assert torch.equal(SNMU.penalty(W), NMU.penalty(W))
