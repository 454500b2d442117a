"""Trains a CNN and a cell together: one label a sequence, batches of images, AdamW."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from training.research.sequences.digits import DigitImages, RandomShift
from training.research.sequences.network import ClassReadOut, build_cnn, recalibrate_bn
from training.research.sequences.penalty import regularisers, round_weights
from training.research.sequences.recurrent_cell import ON_CLASSES, build_cell, run_over
from training.research.sequences.task import SequenceTask
from training.trainer.loop import Batch, LoopConfig, train_batches
from training.trainer.state import TrainingState

BETAS = (0.9, 0.99)
"""Of Adam. Its second moment forgets the first errors, hundreds of times those to come, ten times sooner than usual."""
WARMUP_SHARE = 0.25
"""Share of the steps after which the CNN's learning rate is at its highest."""


@dataclass(frozen=True)
class RunSettings:
    """How a run trains; the same for every cell.

    Args:
        batch_size: images in a batch, a multiple of every training length.
        learning_rate: highest one of the CNN.
        cell_learning_rate: highest one of the cell, whose few weights have further to go.
        cell_alone: share of the steps in which the cell learns alone. A CNN that learns beside a cell whose weights
            still have the wrong sign turns the sign of its digits, which is as right, and costs it half the training.
        cell_from: share of the steps in which the cell does not learn yet, for a CNN that needs no cell to learn.
        clip_norm: largest norm of the gradient.
        epochs: passes over the images.
    """

    epochs: int
    batch_size: int = 130
    learning_rate: float = 6e-3
    cell_learning_rate: float = 2e-2
    cell_alone: float = 0.05
    cell_from: float = 0.0
    weight_decay: float = 1e-4
    clip_norm: float = 100.0

    def steps(self, digits: int) -> int:
        """Steps of AdamW on a number of digits; every epoch leaves out those that fill no whole batch."""
        return self.epochs * (digits // self.batch_size)


def settings_for(task: SequenceTask, name: str) -> RunSettings:
    """The settings of a task's runs. Where the CNN classifies to count, the cell's 200 weights begin once it reads.

    From digits that are not yet distinguished they converge to values that are right at the training length alone.
    """
    if task.outputs > 1 and name.endswith(ON_CLASSES):
        return RunSettings(task.epochs, cell_learning_rate=5e-3, cell_alone=0.0, cell_from=WARMUP_SHARE)
    return RunSettings(task.epochs)


class SequenceModel(nn.Module):
    """A CNN and the cell behind it; its output is what the CNN reads, ``(n, outputs)``."""

    def __init__(self, cnn: nn.Sequential, cell: Any) -> None:
        super().__init__()
        self.cnn, self.cell = cnn, cell

    def forward(self, images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            z: Tensor = self.cnn(images)
        return z


def train(
    task: SequenceTask, name: str, digits: DigitImages, seed: int, settings: RunSettings, title: str = "training"
) -> SequenceModel:
    """Train one model. The same seed gives every cell the same initial CNN."""
    torch.manual_seed(seed)
    cnn = build_cnn(task, digits.images.shape[-1], classifies=name.endswith(ON_CLASSES))
    model = SequenceModel(cnn, build_cell(name, task))
    config = LoopConfig(
        settings.epochs, len(digits) // settings.batch_size, channels_last=False, title=title, may_diverge=True
    )
    optimizer, schedule = _optimizer(model, settings, config.epochs * config.steps)
    loss = SequenceLoss(model, task, name, lambda: schedule.last_epoch / (config.epochs * config.steps))
    parts = (model.cnn, model.cell)
    state = TrainingState(model, optimizer, schedule, loss, clip_norm=settings.clip_norm, clipped=parts)
    train_batches(state, _Batches(task, digits, settings.batch_size), config)
    recalibrate_bn(model.cnn, digits)
    round_weights(model.cell)
    return model


class _Batches:
    """The batches of an epoch: whole ones of shifted images in random order, and the values of their digits."""

    def __init__(self, task: SequenceTask, digits: DigitImages, size: int) -> None:
        self.shift, self.size = RandomShift(digits), size
        self.values = task.values(digits.labels).float()

    def __call__(self, _: int) -> Iterator[Batch]:
        for index in torch.split(torch.randperm(len(self.values)), self.size):
            if len(index) == self.size:
                yield self.shift(index), self.values[index]


class SequenceLoss:
    """Mean squared error of the results of sequences, which are the digits of a batch in ``orders`` random orders.

    Behind a classifier the CNN minimises the negative log-likelihood of the results instead, and the cell alone the
    squared error, in units of the results' variance. The regularisers of the unit are added.

    Args:
        model: the model in training.
        task: what is learned.
        name: of the cell.
        progress: share of the steps done, 0 to 1.
    """

    def __init__(self, model: SequenceModel, task: SequenceTask, name: str, progress: Callable[[], float]) -> None:
        self.model, self.task, self.progress = model, task, progress
        self.unit = name.removesuffix(ON_CLASSES)

    def __call__(self, z: Tensor, values: Tensor) -> Tensor:
        order = torch.cat([torch.randperm(len(z)) for _ in range(self.task.orders)])
        shape = (-1, self.task.train_length, self.task.outputs)
        results = self.task.total(values[order].view(shape))
        read_out = self.model.cnn[-1]
        if isinstance(read_out, ClassReadOut):
            sequences = z.detach().float()[order].view(shape)
            error = self._classifier_error(sequences, read_out.probabilities[order], results)
        else:
            predicted = run_over(self.model.cell, z.float()[order].view(shape))
            error = (predicted - results).square().mean()
        return error + regularisers(self.model.cell, self.unit, self.progress())

    def _classifier_error(self, z: Tensor, probabilities: Tensor, results: Tensor) -> Tensor:
        digits = probabilities.view(-1, self.task.train_length, probabilities.shape[1]).transpose(1, 2)[:, :, None]
        error = (run_over(self.model.cell, z) - results).square().mean() / results.var()
        return error - self.task.log_likelihood(digits, results).mean()


def _optimizer(model: SequenceModel, settings: RunSettings, steps: int) -> tuple[torch.optim.Optimizer, LRScheduler]:
    """AdamW and its schedule.

    The CNN's rate rises and falls; the cell's few weights learn at their full rate from the first step, so that the
    CNN does not begin by compensating for a cell that is still wrong. They do not decay.
    """
    slow = [weight for name, weight in model.cnn.named_parameters() if not name.endswith("values")]
    values = [weight for name, weight in model.cnn.named_parameters() if name.endswith("values")]
    groups: list[dict[str, Any]] = [
        {"params": slow, "lr": settings.learning_rate},
        {"params": values, "lr": settings.cell_learning_rate, "weight_decay": 0.0},
    ]
    alone = settings.cell_alone
    rates = [
        lambda step: _cnn_rate(step / steps, alone),
        lambda step: _cell_rate(step / steps) * (step >= alone * steps),
    ]
    if list(model.cell.parameters()):
        groups.append(groups[1] | {"params": list(model.cell.parameters())})
        rates.append(lambda step: _cell_rate(step / steps) * (step >= settings.cell_from * steps))
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay, betas=BETAS, fused=True)
    return optimizer, LambdaLR(optimizer, rates)


def _cnn_rate(progress: float, alone: float) -> float:
    """Share of the highest rate: 0 while only the cell trains, then up to 1 and down to 0, along cosines."""
    if progress < alone:
        return 0.0
    if progress < WARMUP_SHARE:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * (progress - alone) / (WARMUP_SHARE - alone))) / 2
    return _cosine((progress - WARMUP_SHARE) / (1 - WARMUP_SHARE))


def _cosine(progress: float) -> float:
    return (1 + math.cos(math.pi * progress)) / 2


def _cell_rate(progress: float) -> float:
    """Share of the highest rate: 1 in the first half, then down to 0."""
    return min(1.0, 2 - 2 * progress)
