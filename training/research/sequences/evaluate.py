"""Errors of a trained model on sequences of any length, and the bound that defines success."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

import torch
from scipy.stats import t as student_t
from torch import Tensor

from training.research.sequences.recurrent_cell import Cell
from training.research.sequences.task import SequenceTask

SEQUENCES = 10_000
SEED = 88253339
"""Seed of the test sequences, the same for every model; the seed is stable-nalu's, the sequences are not."""
ALPHA = 0.01
FEWEST_BASELINES = 3


def sequence_errors(
    cell: Cell, z: Tensor, labels: Tensor, task: SequenceTask, sequences: int = SEQUENCES
) -> dict[int, tuple[float, float]]:
    """Mean absolute and mean square error of results, by length.

    Sequences are drawn from the digits with replacement; a shorter one is the beginning of a longer one.

    Shape:
        z: the CNN's predictions, ``(n, outputs)``, float64. labels: ``(n,)``.
    """
    numbers = torch.Generator().manual_seed(SEED)
    values, found = task.values(labels), {}
    total, state = task.first(sequences, z), cell.first(sequences, z)
    for length in range(1, task.lengths[-1] + 1):
        drawn = torch.randint(len(z), (sequences,), generator=numbers)
        total, state = task.combine(total, values[drawn]), cell.step(state, z[drawn])
        if length in task.lengths:
            error = cell.result(state) - total
            found[length] = (error.abs().mean().item(), error.square().mean().item())
    return found


def success_bound(errors: Sequence[float]) -> float | None:
    """Upper 1 % bound of the mean of the baseline's mean square errors, one for each seed, by Student's t.

    ``mean + t_(0.99, n - 1) * deviation / sqrt(n)``, as Madsen and Johansen 2020 have it; None below 3 seeds.
    """
    if len(errors) < FEWEST_BASELINES:
        return None
    quantile = float(student_t.ppf(1 - ALPHA, len(errors) - 1))
    return fmean(errors) + quantile * stdev(errors) / math.sqrt(len(errors))
