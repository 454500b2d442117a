import math

import pytest
import torch
from torch import nn

from models.networks import Network
from training.trainer.ema import averaged, moving_average
from training.trainer.state import adamw_one_cycle


def test_a_step_whose_gradient_is_not_finite_changes_no_weight() -> None:
    torch.manual_seed(0)
    network = nn.Linear(3, 1)
    before = network.weight.detach().clone()
    state = adamw_one_cycle(network, 10)
    assert math.isnan(state.step(torch.full((2, 3), math.nan), torch.zeros(2)))
    assert torch.equal(network.weight, before)
    state.step(torch.ones(2, 3), torch.zeros(2))
    assert not torch.equal(network.weight, before)


def test_the_learning_rate_rises_for_three_tenths_of_the_steps_and_falls_to_almost_nothing() -> None:
    state = adamw_one_cycle(nn.Linear(3, 1), 101, max_lr=0.02)
    rates = []
    for _ in range(100):
        rates.append(state.optimizer.param_groups[0]["lr"])
        state.step(torch.ones(2, 3), torch.zeros(2))
    assert max(rates) == pytest.approx(0.02, rel=1e-3)
    assert rates.index(max(rates)) == pytest.approx(30, abs=1)
    assert rates[-1] < 0.02 / 1000


def test_units_stay_within_the_bounds_of_their_papers() -> None:
    torch.manual_seed(0)
    network = Network("NMU", [2, 1])
    state = adamw_one_cycle(network, 50, max_lr=1.0)
    for _ in range(20):
        state.step(torch.rand(8, 2), torch.full((8,), 50.0))
    assert all(0 <= value <= 1 for weight in network.parameters() for value in weight.flatten())


def test_an_average_is_in_place_for_a_while_and_then_is_not() -> None:
    network = nn.BatchNorm1d(2)
    ema = moving_average(network, 0.9)
    with torch.no_grad():
        network.weight.fill_(5.0)
    with averaged(network, ema):
        assert network.weight.tolist() == [1.0, 1.0]
    assert network.weight.tolist() == [5.0, 5.0]


def test_statistics_of_batch_normalisation_are_averaged_and_its_counter_is_not() -> None:
    network = nn.BatchNorm1d(1)
    ema = moving_average(network, 0.5)
    network.running_mean.fill_(4.0)
    network.num_batches_tracked.fill_(7)
    ema.update_parameters(network)  # the first decay is 1 / 10
    with averaged(network, ema):
        assert network.running_mean.item() == pytest.approx(0.9 * 4.0)
        assert network.num_batches_tracked.item() == 7


@pytest.mark.parametrize("decay", [-0.1, 1.0, math.nan])
def test_a_decay_out_of_range_is_a_value_error(decay: float) -> None:
    with pytest.raises(ValueError, match=rf"^The decay of an average must lie in 0 to below 1, got {decay}\.$"):
        moving_average(nn.Linear(1, 1), decay)
