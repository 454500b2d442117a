"""Training in batches: the oracle is a loop of plain PyTorch, and an uninterrupted run."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from training.trainer.checkpointing import TrainingCheckpoint
from training.trainer.early_stopping import BestEpoch
from training.trainer.loop import LoopConfig, train_batches
from training.trainer.state import Loss, adamw_one_cycle

EPOCHS, STEPS = 6, 3
CONFIG = LoopConfig(EPOCHS, STEPS)
Batches = Callable[[int], Iterable[tuple[Tensor, Tensor]]]
X = torch.rand(24, 1, 8, 8, generator=torch.Generator().manual_seed(0))
Y = X.mean((1, 2, 3)) * 10


def cnn(seed: int = 0, *, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Flatten(),
        nn.Linear(4 * 36, 1),
    )


def batches(_: int) -> Iterator[tuple[Tensor, Tensor]]:
    for index in torch.randperm(len(X)).split(8):
        yield X[index], Y[index]


def train(
    network: nn.Module,
    some: Batches = batches,
    config: LoopConfig = CONFIG,
    *,
    ema_decay: float = 0.0,
    loss: Loss | None = None,
    **hooks: Any,
) -> None:
    state = adamw_one_cycle(network, config.epochs * config.steps, ema_decay=ema_decay, loss=loss)
    train_batches(state, some, config, **hooks)


def plain_loop(network: nn.Module) -> None:
    """The same training, written down without any of ours."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=EPOCHS * STEPS)
    for epoch in range(EPOCHS):
        for x, y in batches(epoch):
            optimizer.zero_grad()
            functional.mse_loss(network(x)[:, 0], y).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            schedule.step()


def assert_same_weights(a: nn.Module, b: nn.Module, *, exactly: bool = True) -> None:
    for name, value in a.state_dict().items():
        tolerance = 0 if exactly else 1e-4
        torch.testing.assert_close(value, b.state_dict()[name], rtol=tolerance, atol=tolerance, msg=name)


@pytest.mark.parametrize("channels_last", [True, False])
def test_training_is_adamw_under_a_one_cycle_rate_with_clipped_gradients(channels_last: bool) -> None:
    ours, plain = cnn(), cnn()
    torch.manual_seed(1)
    train(ours, config=LoopConfig(EPOCHS, STEPS, channels_last=channels_last))
    torch.manual_seed(1)
    plain_loop(plain)
    assert_same_weights(ours, plain, exactly=False)
    assert not ours.training
    assert all(value.is_contiguous() for value in ours.state_dict().values())


def test_the_average_of_the_weights_takes_their_place() -> None:
    network, seen = cnn(), []
    torch.manual_seed(1)

    def loss(output: Tensor, labels: Tensor) -> Tensor:
        seen.append(network[5].bias.detach().clone())
        return functional.mse_loss(output[:, 0], labels)

    train(network, ema_decay=0.5, loss=loss)
    last = cnn()
    torch.manual_seed(1)
    train(last)
    average = seen[0]
    for step, bias in enumerate([*seen[1:], last[5].bias.detach()]):
        decay = min(0.5, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * bias
    torch.testing.assert_close(network[5].bias.detach(), average, rtol=1e-4, atol=1e-6)


def interrupted_in(epoch: int) -> Batches:
    def some(number: int) -> Iterator[tuple[Tensor, Tensor]]:
        for step, batch in enumerate(batches(number)):
            if (number, step) == (epoch, 1):
                raise KeyboardInterrupt
            yield batch

    return some


def train_resumably(network: nn.Module, some: Batches, path: Path) -> None:
    best = BestEpoch(network, lambda: float((network(X)[:, 0] - Y).square().mean().detach()), EPOCHS, 100)
    checkpoint = TrainingCheckpoint(path, "one", {"best": best}, seconds=0)
    train(network, some, ema_decay=0.9, after_epoch=best, checkpoint=checkpoint)
    best.restore_best()


@pytest.mark.parametrize("epoch", [0, 1, 4, 5])
def test_an_interrupted_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path: Path, epoch: int) -> None:
    whole, part, again = (cnn(dropout=0.3) for _ in range(3))
    torch.manual_seed(1)
    train_resumably(whole, batches, tmp_path / "whole.pt")
    torch.manual_seed(1)
    with pytest.raises(KeyboardInterrupt):
        train_resumably(part, interrupted_in(epoch), tmp_path / "part.pt")
    torch.manual_seed(1 if epoch == 0 else 99)  # with nothing saved, it begins as it did
    train_resumably(again, batches, tmp_path / "part.pt")
    assert_same_weights(again, whole)


def test_a_finished_training_is_not_trained_again(tmp_path: Path) -> None:
    first, second = cnn(), cnn(1)
    train_resumably(first, batches, tmp_path / "it.pt")
    train_resumably(second, lambda _: pytest.fail("trained again"), tmp_path / "it.pt")
    assert_same_weights(first, second)


def test_training_ends_when_it_is_told_to() -> None:
    ended: list[int] = []

    def after(epoch: int) -> bool:
        ended.append(epoch)
        return epoch == 2

    train(cnn(), after_epoch=after)
    assert ended == [0, 1, 2]


def test_after_an_epoch_the_network_is_as_it_would_be_at_the_end() -> None:
    network = cnn()
    seen: list[dict[str, Tensor]] = []

    def after(epoch: int) -> bool:
        assert not network.training
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        return epoch == 1

    torch.manual_seed(1)
    train(network, ema_decay=0.9, after_epoch=after)
    for name, value in network.state_dict().items():
        assert torch.equal(value, seen[-1][name]), name


def test_batches_may_differ_in_size_from_one_to_the_next() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    sizes = [(8, 8), (12, 9), (5, 20)]
    train(network, lambda _: ((torch.rand(4, 1, *size), torch.rand(4)) for size in sizes), LoopConfig(2, len(sizes)))
    assert all(value.isfinite().all() for value in network.state_dict().values())


def test_classes_are_learned_by_their_log_likelihood() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 2), nn.LogSoftmax(1))
    x = torch.cat([torch.zeros(8, 1, 8, 8), torch.ones(8, 1, 8, 8)])
    labels = torch.arange(16) // 8
    train(network, lambda _: [(x, labels)], LoopConfig(60, 1))
    assert (network(x).argmax(1) == labels).all()


@pytest.mark.parametrize(("count", "got"), [(2, "2"), (4, "more")])
def test_an_epoch_of_other_than_its_steps_is_a_value_error(count: int, got: str) -> None:
    some = [(X[:8], Y[:8])] * count
    with pytest.raises(ValueError, match=rf"^An epoch must have 3 batches, as many as its steps; got {got}\.$"):
        train(cnn(), lambda _: some, LoopConfig(1, 3))
