"""Trainings that diverge: they end at once, say where and what to change, and leave nothing to resume."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from training.errors import DivergedError
from training.trainer.checkpointing import TrainingCheckpoint
from training.trainer.finite import first_not_finite
from training.trainer.loop import LoopConfig, train_batches
from training.trainer.state import TrainingState, adamw_one_cycle

CONFIG = LoopConfig(5, 2, title="it", channels_last=False, repair="repair it")
X = torch.rand(8, 3, generator=torch.Generator().manual_seed(0))


def batches(_: int) -> Iterator[tuple[Tensor, Tensor]]:
    yield from ((X, X.sum(1)),) * 2


def state(network: nn.Module, *, ema_decay: float = 0.0, loss: Any = None) -> TrainingState:
    return adamw_one_cycle(network, 10, loss=loss, ema_decay=ema_decay)


def in_epoch(number: int, spoil: Callable[[], float]) -> Any:
    """A loss that is spoiled from an epoch on."""
    calls: list[int] = []

    def loss(output: Tensor, labels: Tensor) -> Tensor:
        calls.append(1)
        error = (output[:, 0] - labels).square().mean()
        return error * (spoil() if len(calls) > 2 * (number - 1) else 1.0)

    return loss


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ends_the_training_and_names_epoch_and_repair(tmp_path: Path, value: float) -> None:
    network = nn.Linear(3, 1)
    checkpoint = TrainingCheckpoint(tmp_path / "it.pt", "one", seconds=0)
    message = rf"^it: the training diverged in epoch 3 of 5, as the loss is {value}; repair it\.$"
    with pytest.raises(DivergedError, match=message):
        train_batches(state(network, loss=in_epoch(3, lambda: value)), batches, CONFIG, checkpoint=checkpoint)
    assert checkpoint.epochs() == 2
    again = nn.Linear(3, 1)
    checkpoint.load(state(again))
    assert first_not_finite(again) is None


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
@pytest.mark.parametrize("name", ["weight", "running_mean", "running_var"])
def test_weights_and_statistics_that_are_not_finite_end_it_before_they_are_saved(
    tmp_path: Path, name: str, ema_decay: float
) -> None:
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 1))
    training = state(network, ema_decay=ema_decay)
    checkpoint = TrainingCheckpoint(tmp_path / "it.pt", "one", seconds=0)

    def spoiled(epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        yield from batches(epoch)
        if epoch == 1:  # while the last batch of the second epoch is taken
            getattr(network[0], name).data[0] = math.inf

    with pytest.raises(DivergedError, match=rf"^it: .* in epoch 2 of 5, as the (weight|buffer) '0\.{name}' is inf; "):
        train_batches(training, spoiled, CONFIG, checkpoint=checkpoint)
    assert checkpoint.epochs() == 1


def test_an_epoch_without_a_finite_gradient_has_diverged_and_a_single_step_has_not() -> None:
    def root(output: Tensor, labels: Tensor) -> Tensor:
        return (output * 0).sqrt().sum() + labels.mean()  # its gradient at 0 is infinite times 0

    with pytest.raises(DivergedError, match=r"in epoch 1 of 5, as no gradient is finite; repair it\.$"):
        train_batches(state(nn.Linear(3, 1), loss=root), batches, CONFIG)
    calls: list[int] = []

    def once(output: Tensor, labels: Tensor) -> Tensor:
        calls.append(1)
        return root(output, labels) if len(calls) == 3 else (output[:, 0] - labels).square().mean()

    train_batches(state(nn.Linear(3, 1), loss=once), batches, CONFIG)


def test_an_average_of_spoiled_weights_is_found_too() -> None:
    network = nn.Linear(3, 1)
    training = state(network, ema_decay=0.9)
    assert training.ema is not None
    next(training.ema.module.parameters()).data[0, 1] = math.nan
    assert training.first_not_finite() == "the weight 'weight' is nan"


def test_research_that_counts_failures_goes_on() -> None:
    network = nn.Linear(3, 1)
    config = LoopConfig(5, 2, channels_last=False, may_diverge=True)
    train_batches(state(network, loss=in_epoch(2, lambda: math.nan)), batches, config)
    assert first_not_finite(network) is None


def test_a_mask_of_infinity_is_no_fault_and_a_nan_is() -> None:
    network = nn.Linear(2, 1)
    network.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    assert first_not_finite(network) is None
    network.register_buffer("mask", torch.tensor([0.0, math.nan]))
    assert re.fullmatch(r"the buffer 'mask' is nan", first_not_finite(network) or "")
