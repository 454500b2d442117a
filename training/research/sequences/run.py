"""One run: trains a CNN and a cell on sequences of training digits and tests them on sequences of test digits."""

import math
from datetime import UTC, datetime
from time import process_time

import torch

from training.research.sequences.digits import DigitImages, DigitSplit
from training.research.sequences.evaluate import SEQUENCES, sequence_errors
from training.research.sequences.network import read_digits
from training.research.sequences.penalty import sparsity_error, weights
from training.research.sequences.plan import Run
from training.research.sequences.records import RunRecord
from training.research.sequences.recurrent_cell import run_over
from training.research.sequences.task import SEQUENCE_TASKS, SequenceTask
from training.research.sequences.train import RunSettings, SequenceModel, train


def run_once(
    run: Run, parts: DigitSplit, settings: RunSettings, sequences: int = SEQUENCES, title: str = "training"
) -> RunRecord:
    """Train and test one model."""
    begun = process_time()
    task = SEQUENCE_TASKS[run.task]
    own = parts.of(task)
    model = train(task, run.unit, own.train, run.seed, settings, title)
    model.cell.double()
    z = read_digits(model.cnn, own.test)
    error = z - task.values(own.test.labels)
    with torch.no_grad():
        errors = sequence_errors(model.cell, z, own.test.labels, task, sequences)
    return RunRecord(
        task=run.task,
        unit=run.unit,
        seed=run.seed,
        mae={str(length): _finite(mae) for length, (mae, _) in errors.items()},
        mse={str(length): _finite(mse) for length, (_, mse) in errors.items()},
        bias=error.mean().item(),
        rmse=error.square().mean().sqrt().item(),
        validation_mae=_validation_mae(model, own.validation, task),
        weights=weights(model.cell),
        sparsity_error=sparsity_error(model.cell),
        steps=settings.steps(len(own.train)),
        seconds=round(process_time() - begun, 1),
        date=datetime.now(UTC).date().isoformat(),
    )


def _validation_mae(model: SequenceModel, digits: DigitImages, task: SequenceTask) -> float | None:
    """Mean absolute error at the training length, on validation digits."""
    usable = len(digits) - len(digits) % task.train_length
    with torch.no_grad():
        z = read_digits(model.cnn, digits)[:usable].view(-1, task.train_length, task.outputs)
        truth = task.total(task.values(digits.labels)[:usable].view(z.shape))
        return _finite((run_over(model.cell, z) - truth).abs().mean().item())


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
