"""The training loop: epochs of batches, with early stopping, frozen batch normalisation and checkpoints."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.errors import DivergedError
from training.trainer.checkpointing import TrainingCheckpoint
from training.trainer.state import TrainingState

Batch = tuple[Tensor, Tensor]
"""The network's input, float; and labels: classes (integers) or values (floats)."""


@dataclass(frozen=True)
class LoopConfig:
    """How a training runs.

    Args:
        epochs: rounds; training can be stopped or resumed after each.
        steps: batches of every epoch.
        device: ``"cpu"`` or ``"cuda"``.
        channels_last: whether network and images are laid out with their channels last in memory, which makes
            convolutions a fifth faster; a network that takes views of its feature maps may not support it.
        freeze_batch_norm_from: the epoch from which on batch normalisation uses its running statistics, as it does
            when the network is served; None: never. A network that sums over locations and has learned with the
            statistics of single batches is wrong by their difference times the number of locations.
        title: of the progress bar and of errors.
        repair: what to change after a training that diverged, a clause.
        may_diverge: go on where the loss is not finite, skipping such steps, as in research that counts failures.
    """

    epochs: int
    steps: int
    device: str = "cpu"
    channels_last: bool = True
    freeze_batch_norm_from: int | None = None
    title: str = "training"
    repair: str = "lower the learning rate, or scale the labels nearer to 1"
    may_diverge: bool = False

    @property
    def layout(self) -> torch.memory_format:
        """The memory layout of network and images."""
        return torch.channels_last if self.channels_last else torch.preserve_format


def train_batches(
    state: TrainingState,
    batches: Callable[[int], Iterable[Batch]],
    config: LoopConfig,
    *,
    after_epoch: Callable[[int], bool | None] | None = None,
    checkpoint: TrainingCheckpoint | None = None,
) -> None:
    """Train a network in place; it is left on the CPU, in evaluation mode, with its final weights.

    Args:
        state: the network with its optimiser, schedule and loss.
        batches: the batches of an epoch, counted from 0; they may differ in size. They must follow from the number of
            the epoch and from PyTorch's random numbers, or a resumed training takes another course.
        config: epochs, steps, device.
        after_epoch: takes the number of the epoch that has just ended, while the network is as it would be if training
            ended there; returns True to end it. State that it keeps must be part of ``checkpoint``.
        checkpoint: where the training is saved, and from which it resumes after an interruption.

    Raises:
        ValueError: an epoch has more or fewer batches than ``config.steps``.
        DivergedError: the loss, weights or all gradients of an epoch are not finite; the checkpoint is of before.
    """
    state.to(config.device, config.layout)
    state.network.train()
    done, finished = checkpoint.load(state) if checkpoint else (0, False)
    with _progress_bar(config, done) as bar:
        for epoch in range(config.epochs if finished else done, config.epochs):
            _train_epoch(state, batches(epoch), config, epoch, bar)
            if after_epoch is not None:
                with state.as_result():
                    finished = bool(after_epoch(epoch))
            if checkpoint:
                checkpoint.save(state, epoch + 1, finished=finished or epoch + 1 == config.epochs)
            if finished:
                break
    state.finish()
    state.to("cpu", torch.contiguous_format if config.channels_last else torch.preserve_format)


def _progress_bar(config: LoopConfig, done: int) -> "tqdm[Any]":
    total, initial = config.epochs * config.steps, done * config.steps
    return tqdm(total=total, initial=initial, desc=config.title, unit="step", disable=None)


def _train_epoch(
    state: TrainingState, batches: Iterable[Batch], config: LoopConfig, epoch: int, bar: "tqdm[Any]"
) -> None:
    if config.freeze_batch_norm_from is not None and epoch >= config.freeze_batch_norm_from:
        _freeze_batch_norm(state.network)
    count, skipped = 0, state.skipped_steps
    for count, (x, labels) in enumerate(batches, start=1):
        if count > config.steps:
            break
        x = x.to(config.device, memory_format=config.layout if x.ndim == 4 else torch.preserve_format)
        loss = state.step(x, labels.to(config.device))
        if not math.isfinite(loss):
            _diverged(config, epoch, f"the loss is {loss}")
        bar.set_postfix(epoch=f"{epoch + 1}/{config.epochs}", loss=f"{loss:.4f}", refresh=False)
        bar.update()
    if count != config.steps:
        got = "more" if count > config.steps else count
        raise ValueError(f"An epoch must have {config.steps} batches, as many as its steps; got {got}.")
    if state.skipped_steps - skipped == config.steps:
        _diverged(config, epoch, "no gradient is finite")
    if problem := state.first_not_finite():
        _diverged(config, epoch, problem)


def _diverged(config: LoopConfig, epoch: int, problem: str) -> None:
    """Raise DivergedError, unless the training may diverge."""
    if not config.may_diverge:
        raise DivergedError(
            f"{config.title}: the training diverged in epoch {epoch + 1} of {config.epochs}, as {problem}; "
            f"{config.repair}."
        )


def _freeze_batch_norm(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()
