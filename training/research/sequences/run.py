"""One run: a CNN and a cell are trained on sequences of training digits and tested on sequences of test digits."""

import math
from datetime import UTC, datetime
from time import process_time

import torch

from training.research.sequences.digits import DigitImages, Parts
from training.research.sequences.evaluate import SEQUENCES, sequence_errors
from training.research.sequences.network import read
from training.research.sequences.penalty import sparsity_error, weights
from training.research.sequences.plan import Run
from training.research.sequences.records import RunRecord
from training.research.sequences.recurrent_cell import Cell
from training.research.sequences.task import SEQUENCE_TASKS, SequenceTask
from training.research.sequences.train import RunSettings, SequenceModel, train


def run_once(
    run: Run, parts: Parts, settings: RunSettings, sequences: int = SEQUENCES, title: str = "training"
) -> RunRecord:
    """Train and test one model."""
    begun = process_time()
    task = SEQUENCE_TASKS[run.task]
    own = parts.of(task)
    model = train(task, run.unit, own.train, run.seed, settings, title)
    model.cell.double()
    z = read(model.cnn, own.test)
    off = z - task.values(own.test.labels)
    with torch.no_grad():
        errors = sequence_errors(model.cell, z, own.test.labels, task, sequences)
    return RunRecord(
        task=run.task,
        unit=run.unit,
        seed=run.seed,
        mae={str(length): _finite(mae) for length, (mae, _) in errors.items()},
        mse={str(length): _finite(mse) for length, (_, mse) in errors.items()},
        bias=off.mean().item(),
        rmse=off.square().mean().sqrt().item(),
        validation_mae=_validation_mae(model, own.validation, task),
        weights=weights(model.cell),
        sparsity_error=sparsity_error(model.cell),
        steps=settings.steps(len(own.train)),
        seconds=round(process_time() - begun, 1),
        date=datetime.now(UTC).date().isoformat(),
    )


def _validation_mae(model: SequenceModel, digits: DigitImages, task: SequenceTask) -> float | None:
    """Mean absolute error at the training length, on digits that are neither learned from nor reported."""
    usable = len(digits) - len(digits) % task.train_length
    cell: Cell = model.cell
    with torch.no_grad():
        z = read(model.cnn, digits)[:usable].view(-1, task.train_length, task.outputs)
        truth = task.total(task.values(digits.labels)[:usable].view(z.shape))
        state = cell.first(len(z), z)
        for values in z.unbind(1):
            state = cell.step(state, values)
        return _finite((cell.result(state) - truth).abs().mean().item())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
