import numpy as np
import pytest
import torch

from models.units.nsr_nau import NSRNAU


def comparing(true: list[float], false: list[float], b: float = 0.0, *, hard: bool = True) -> NSRNAU:
    """Chooses one of two sums, by whether the first input is greater than the second."""
    unit = NSRNAU(len(true), 1, redundancy=1, hard=hard).double()
    unit.V_1.data[:], unit.V_2.data[:] = 0, 0
    unit.V_1.data[0, 0], unit.V_2.data[0, 1] = 40, 40
    unit.W_sign.data[:], unit.W_zero.data[:] = 100, -50
    unit.W_true.data, unit.W_false.data = (torch.tensor([row]).double() for row in (true, false))
    unit.b_true.data[:] = b
    return unit


def test_ideal_weights_give_minimum_maximum_and_magnitude_outside_any_range() -> None:
    x = np.random.default_rng(0).uniform(-1e9, 1e9, (200, 2))
    for true, false, expected in (
        ([0.0, 1.0], [1.0, 0.0], x.min(1)),
        ([1.0, 0.0], [0.0, 1.0], x.max(1)),
        ([1.0, -1.0], [-1.0, 1.0], np.abs(x[:, 0] - x[:, 1])),
    ):
        y = comparing(true, false)(torch.from_numpy(x)).detach().numpy()[:, 0]
        np.testing.assert_array_equal(y, expected)


def test_ideal_weights_compute_the_published_piecewise_function() -> None:
    x = np.random.default_rng(0).integers(-(10**9), 10**9, (200, 5)).astype(float)
    unit = comparing([0.0, 0, 0, 0, 1], [0.0, 0, -1, 1, 0], b=4.0)
    expected = np.where(x[:, 0] > x[:, 1], x[:, 4] + 4, x[:, 3] - x[:, 2])
    np.testing.assert_array_equal(unit(torch.from_numpy(x)).detach().numpy()[:, 0], expected)


def test_between_its_two_sums_it_mixes_as_the_comparison_says() -> None:
    unit = comparing([1.0, 0.0], [0.0, 0.0], hard=False)
    unit.W_sign.data[:], unit.W_zero.data[:] = 2, 0
    a, b = 0.7, 0.4
    C = 1 / (1 + np.exp(-2 * np.tanh(a - b)))
    assert unit(torch.tensor([[a, b]], dtype=torch.float64)).item() == pytest.approx(C * a, rel=1e-9)


def test_an_infinite_sum_that_is_not_chosen_is_shut_out() -> None:
    unit = comparing([0.0, 1.0], [1.0, 0.0])
    unit.b_false.data[:] = torch.inf
    assert unit(torch.tensor([[5.0, 3.0]]).double()).item() == 3


def test_the_penalty_is_that_of_both_naus() -> None:
    W_true, W_false = torch.tensor([[0.25, -1.0]]).t(), torch.tensor([[0.9, 0.5]]).t()
    torch.testing.assert_close(NSRNAU.penalty(torch.zeros(1), W_true, W_false), torch.tensor([(0.25 + 0.1 + 0.5) / 2]))


def test_start_values_lie_within_bounds_and_the_regulariser_begins_at_step_40_000() -> None:
    torch.manual_seed(0)
    unit = NSRNAU(2, 500)
    assert unit.W_true.abs().max() == 1
    assert unit.b_true.abs().max() == unit.b_false.abs().max() == 0
    assert NSRNAU.HYPERPARAMETERS.penalty_at(40_000) == 0
    assert NSRNAU.HYPERPARAMETERS.penalty_at(45_000) == 1


def test_with_select_it_chooses_between_the_first_two_inputs_and_has_no_sums_to_learn() -> None:
    unit = NSRNAU(3, 1, redundancy=1, select=True, hard=True).double()
    unit.V_1.data, unit.V_2.data = torch.tensor([[0.0, 4, 0]]).double(), torch.tensor([[4.0, 0, 0]]).double()
    unit.W_sign.data[:], unit.W_zero.data[:] = 100, -50
    x = np.random.default_rng(0).uniform(-1e9, 1e9, (200, 3))
    np.testing.assert_array_equal(unit(torch.from_numpy(x)).detach().numpy()[:, 0], x[:, :2].min(1))
    assert {name for name, _ in unit.named_parameters()} == {"V_1", "V_2", "W_sign", "W_zero", "b"}
    assert NSRNAU.penalty(unit.b).tolist() == [0]
    assert torch.jit.script(unit)(torch.from_numpy(x[:3])).shape == (3, 1)  # type: ignore[no-untyped-call]


def test_select_needs_two_inputs() -> None:
    with pytest.raises(ValueError, match=r"^select chooses between two inputs, got in_features=1\.$"):
        NSRNAU(1, 1, select=True)
