"""Training of a CNN and a cell together: one label a sequence, batches of pictures, one-cycle AdamW."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from training.research.sequences.digits import DigitImages, RandomShift
from training.research.sequences.network import ClassReadOut, build_cnn, recalibrate_bn
from training.research.sequences.penalty import regularisers, round_weights
from training.research.sequences.recurrent_cell import ON_CLASSES, build_cell, run_over
from training.research.sequences.task import SequenceTask
from training.trainer.clamping import clamp_to_bounds

BETAS = (0.9, 0.99)
"""Of Adam. Its second moment forgets the first errors, hundreds of times those to come, ten times sooner than usual."""
RISE = 0.25
"""Share of the steps after which the CNN's learning rate is at its highest."""


@dataclass(frozen=True)
class RunSettings:
    """How a run trains; the same for every cell.

    Args:
        pictures: in a batch, a multiple of every training length.
        learning_rate: highest one of the CNN.
        cell_learning_rate: highest one of the cell, whose few weights have further to go.
        cell_alone: share of the steps in which the cell learns alone. A CNN that learns beside a cell whose weights
            still have the wrong sign turns the sign of its digits, which is as right, and costs it half the training.
        cell_from: share of the steps in which the cell does not learn yet, for a CNN that needs no cell to learn.
        clip_norm: largest norm of the gradient.
        epochs: passes over the pictures.
    """

    epochs: int
    pictures: int = 130
    learning_rate: float = 6e-3
    cell_learning_rate: float = 2e-2
    cell_alone: float = 0.05
    cell_from: float = 0.0
    weight_decay: float = 1e-4
    clip_norm: float = 100.0

    def steps(self, digits: int) -> int:
        """Of AdamW, for so many digits; what is left of them after whole batches waits for the next epoch."""
        return self.epochs * (digits // self.pictures)


def settings_for(task: SequenceTask, name: str) -> RunSettings:
    """Those of a task's runs. Counts that the CNN learns by votes leave the cell's 200 weights time until it reads.

    From digits that cannot be told apart yet they run into arrangements that hold at the training length alone.
    """
    if task.outputs > 1 and name.endswith(ON_CLASSES):
        return RunSettings(task.epochs, cell_learning_rate=5e-3, cell_alone=0.0, cell_from=RISE)
    return RunSettings(task.epochs)


@dataclass
class Model:
    """A CNN and the cell behind it."""

    cnn: nn.Sequential
    cell: Any


def train(
    task: SequenceTask, name: str, digits: DigitImages, seed: int, settings: RunSettings, progress: Callable[[], Any]
) -> Model:
    """Train one model; calls ``progress`` after every step. The same seed gives every cell the same first CNN."""
    torch.manual_seed(seed)
    votes = name.endswith(ON_CLASSES)
    model = Model(build_cnn(task, digits.pictures.shape[-1], votes=votes), build_cell(name, task))
    optimiser, schedule, steps = _optimiser(model, len(digits), settings)
    targets = task.values(digits.labels).float()
    model.cnn.train()
    model.cell.train()
    for step, (pictures, index) in enumerate(_batches(digits, settings)):
        optimiser.zero_grad()
        loss = _error(model, task, pictures, targets[index]) + regularisers(
            model.cell, name.removesuffix(ON_CLASSES), step / steps
        )
        loss.backward()  # type: ignore[no-untyped-call]
        _update(model, optimiser, settings.clip_norm)
        schedule.step()
        progress()
    recalibrate_bn(model.cnn, digits)
    round_weights(model.cell)
    model.cell.eval()
    return model


def _batches(digits: DigitImages, settings: RunSettings) -> Iterator[tuple[Tensor, Tensor]]:
    """Whole batches of pictures, moved at random, and their numbers; the pictures in a new order in every epoch."""
    shifted = RandomShift(digits)
    for _ in range(settings.epochs):
        for index in torch.split(torch.randperm(len(digits)), settings.pictures):
            if len(index) == settings.pictures:
                yield shifted(index), index


def _error(model: Model, task: SequenceTask, pictures: Tensor, values: Tensor) -> Tensor:
    """Mean square error of the results of sequences: the pictures of a batch, in ``orders`` orders."""
    with torch.autocast("cpu", torch.bfloat16):
        z = model.cnn(pictures)
    order = torch.cat([torch.randperm(len(z)) for _ in range(task.orders)])
    sequences = (-1, task.train_length, task.outputs)
    totals = task.total(values[order].view(sequences))
    read_out = model.cnn[-1]
    if isinstance(read_out, ClassReadOut):
        return _vote_error(model.cell, task, z.detach().float()[order].view(sequences), read_out.votes[order], totals)
    predicted = run_over(model.cell, z.float()[order].view(sequences))
    return (predicted - totals).square().mean()


def _vote_error(cell: Any, task: SequenceTask, z: Tensor, votes: Tensor, totals: Tensor) -> Tensor:
    """How unlikely the votes make the results, for the CNN alone, and the cell's squared error over their variance."""
    seen = votes.view(-1, task.train_length, votes.shape[1]).transpose(1, 2)[:, :, None]
    error = (run_over(cell, z) - totals).square().mean() / totals.var()
    return error - task.log_likelihood(seen, totals).mean()


def _optimiser(model: Model, digits: int, settings: RunSettings) -> tuple[Any, Any, int]:
    """AdamW, its schedule, and the number of steps.

    The CNN's rate rises and falls; the cell's few weights learn at their full rate from the first step, so that the
    CNN does not begin by making up for a cell that is still wrong. They do not decay.
    """
    steps = settings.steps(digits)
    slow = [weight for name, weight in model.cnn.named_parameters() if not name.endswith("values")]
    values = [weight for name, weight in model.cnn.named_parameters() if name.endswith("values")]
    groups: list[dict[str, Any]] = [
        {"params": slow, "lr": settings.learning_rate},
        {"params": values, "lr": settings.cell_learning_rate, "weight_decay": 0.0},
    ]
    alone = settings.cell_alone
    rates = [
        lambda step: _one_cycle(step / steps, alone),
        lambda step: _falling(step / steps) * (step >= alone * steps),
    ]
    if list(model.cell.parameters()):
        groups.append(groups[1] | {"params": list(model.cell.parameters())})
        rates.append(lambda step: _falling(step / steps) * (step >= settings.cell_from * steps))
    optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay, betas=BETAS, fused=True)
    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, rates), steps


def _one_cycle(progress: float, alone: float) -> float:
    """Share of the highest rate: 0 while the cell is alone, then up to 1, then down to 0, along cosines."""
    if progress < alone:
        return 0.0
    if progress < RISE:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * (progress - alone) / (RISE - alone))) / 2
    return _cosine((progress - RISE) / (1 - RISE))


def _cosine(progress: float) -> float:
    return (1 + math.cos(math.pi * progress)) / 2


def _falling(progress: float) -> float:
    """Share of the highest rate: 1 in the first half, then down to 0."""
    return min(1.0, 2 - 2 * progress)


def _update(model: Model, optimiser: torch.optim.Optimizer, clip_norm: float) -> None:
    """One step, unless the gradient overflowed; then the cell's weights go back into their bounds."""
    parts = [list(part.parameters()) for part in (model.cnn, model.cell)]
    if all(math.isfinite(nn.utils.clip_grad_norm_(part, clip_norm)) for part in parts if part):
        optimiser.step()
    clamp_to_bounds(model.cell)
