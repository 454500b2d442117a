import math

import pytest
import torch
from torch import nn

from training.trainer.early_stopping import BestEpoch


def run(losses: list[float], *, epochs: int, patience: int) -> tuple[BestEpoch, nn.Linear, int]:
    """Train a network whose weight after epoch ``i`` is ``i``, until it is told to end; the number of epochs, too."""
    network = nn.Linear(1, 1)
    best = BestEpoch(network, lambda: losses[epoch], epochs, patience)
    for epoch in range(epochs):
        nn.init.constant_(network.weight, epoch)
        if best(epoch):
            break
    return best, network, epoch + 1


def test_the_weights_of_the_epoch_with_the_lowest_loss_take_their_place() -> None:
    best, network, epochs = run([5, 4, 1, 3, 2, 2], epochs=6, patience=10)
    best.restore_best()
    assert (network.weight.item(), epochs) == (2, 6)
    assert best.summary == "weights of epoch 3 of 6, the best on the validation images"


def test_patience_is_counted_from_the_peak_of_the_learning_rate_on() -> None:
    losses = [1.0] + [2.0] * 99
    assert run(losses, epochs=100, patience=5)[2] == 30 + 5 + 1
    assert run([2.0] * 50 + [1.0] + [2.0] * 49, epochs=100, patience=30)[2] == 50 + 30 + 1
    assert run(losses, epochs=100, patience=200)[2] == 100


def test_a_loss_that_is_not_finite_is_never_the_best() -> None:
    best, network, _ = run([math.nan, 3.0, math.inf, math.nan], epochs=4, patience=9)
    best.restore_best()
    assert network.weight.item() == 1
    best, network, _ = run([math.nan, math.nan], epochs=2, patience=9)
    best.restore_best()
    assert network.weight.item() == 1
    assert best.summary == "weights of epoch 2, as the validation loss was never finite"


@pytest.mark.parametrize("cut", [1, 3])
def test_it_goes_on_from_its_state(cut: int) -> None:
    losses = [5.0, 1.0, 4.0, 3.0, 2.0]
    network = nn.Linear(1, 1)
    first, second = (BestEpoch(network, lambda: losses[epoch], 5, 9) for _ in range(2))
    for epoch in range(5):
        nn.init.constant_(network.weight, epoch)
        if epoch == cut:
            second.load_state_dict(first.state_dict())
        (first if epoch < cut else second)(epoch)
    second.restore_best()
    assert torch.equal(network.weight, torch.ones(1, 1))
    assert second.summary == "weights of epoch 2 of 5, the best on the validation images"
