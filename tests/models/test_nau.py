import numpy as np
import pytest
import torch

from models.units.nau import NAU


def test_ideal_weights_add_and_subtract_exactly_outside_any_range() -> None:
    nau = NAU(3, 2).double()
    nau.W.data = torch.tensor([[1.0, -1, 0], [1, 1, 1]]).double()
    x = np.random.default_rng(0).integers(-(2**40), 2**40, (100, 3)).astype(float)
    expected = np.stack([x[:, 0] - x[:, 1], x.sum(1)], 1)
    np.testing.assert_array_equal(nau(torch.from_numpy(x)).detach().numpy(), expected)


@pytest.mark.parametrize(("sizes", "r"), [((2, 1), 0.5), ((300, 300), 0.1)])
def test_start_weights_are_uniform_in_the_published_range(sizes: tuple[int, int], r: float) -> None:
    torch.manual_seed(0)
    W = torch.cat([NAU(*sizes).W.detach().flatten() for _ in range(2000 // sizes[0])])
    assert -r <= W.min() < -0.99 * r
    assert 0.99 * r < W.max() <= r
    assert W.std().item() == pytest.approx(r / 3**0.5, rel=0.03)


def test_the_penalty_is_the_distance_from_minus_one_zero_and_one() -> None:
    W = torch.tensor([[0.0, 1, -1, 0.3], [-0.3, 0.5, -0.9, 0.75]]).t()
    torch.testing.assert_close(NAU.penalty(W), torch.tensor([0.3 / 4, (0.3 + 0.5 + 0.1 + 0.25) / 4]))
