"""Trains a group of the benchmark and counts its successes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.arrays import FloatArray
from training.research.benchmark.comparisons import digit_pairs
from training.research.benchmark.evaluation import ErrorTally, Evaluation, dtype_of, sparsity_errors
from training.research.benchmark.plan import FINDERS, Group, unit_spec
from training.research.benchmark.records import SuccessRecord
from training.research.benchmark.restarts import Restarts
from training.research.benchmark.task import OPERATIONS, RANGES, TWO_LAYERS, Range, UniformStream
from training.research.benchmark.thresholds import ABSOLUTE
from training.research.ensemble import Ensemble

BLOCK = 100
"""Steps whose samples are drawn at once."""
WORTH_COMPILING = 10_000
"""Fewer steps take less time than the compiler."""


@dataclass(frozen=True)
class Scale:
    """The scale of a run; the defaults are the published ones.

    Args:
        seeds: the runs of each range.
        ranges: where inputs are drawn from.
        steps: of training; None: those of the unit's hyperparameters.
        every: steps between evaluations.
        compiled: compile the training step.
    """

    seeds: Sequence[int] = tuple(range(1000, 1025))
    ranges: Sequence[Range] = RANGES
    steps: int | None = None
    every: int = 1000
    compiled: bool = True


def run(group: Group, scale: Scale, progress: Callable[[int], Any]) -> list[SuccessRecord]:
    """Train all replicas of a group; calls ``progress`` with the steps taken."""
    plan = unit_spec(group.unit)
    hyperparameters = plan.hyperparameters(group.operation, group.inputs)
    seeds = [seed for _ in scale.ranges for seed in scale.seeds]
    torch.manual_seed(scale.seeds[0])  # for units that draw random numbers in training
    steps = scale.steps or hyperparameters.steps
    ensemble = Ensemble(
        partial(plan.build, group.inputs),
        seeds,
        problem(group.operation, scale.ranges),
        hyperparameters,
        dtype=dtype_of(OPERATIONS[group.operation]),
        compiled=scale.compiled and steps >= WORTH_COMPILING,
    )
    stream = UniformStream(scale.seeds, group.inputs)
    evaluate = Evaluation(group.operation, group.inputs, scale.ranges, len(scale.seeds))
    tally = ErrorTally(evaluate.thresholds)
    restarts = Restarts(seeds) if hyperparameters.restart else None
    for step in range(0, steps + 1, scale.every):
        interpolation, extrapolation = evaluate(ensemble)
        tally.add(step, interpolation, extrapolation, sparsity_errors(ensemble.weights, ensemble.layers))
        if step == steps:
            break
        if hyperparameters.penalty_below is not None:
            ensemble.regularised.copy_(torch.from_numpy(interpolation < hyperparameters.penalty_below).unsqueeze(-1))
        if restarts is not None:
            ensemble.restart(*restarts.due(interpolation))
        for _ in range(0, scale.every, BLOCK):
            ensemble.train(torch.from_numpy(stream.draw(min(BLOCK, scale.every))))
            progress(min(BLOCK, scale.every))
    return _records(group, scale, tally)


def problem(operation: str, ranges: Sequence[Range]) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """Maps uniform numbers ``(inputs, seeds, batch)`` to inputs and target of all ranges times seeds.

    Where the law divides, no input is exactly 0, which would leave a replica NaN for good. On a range around 0 one
    float32 number in 2**24 is 0, and none of the float64 numbers of the published code; it becomes half a step.
    """
    law, equal_share = OPERATIONS[operation].law, OPERATIONS[operation].equal_share
    if equal_share is not None:

        def comparison(uniform: Tensor) -> tuple[Tensor, Tensor]:
            x = digit_pairs(uniform, equal_share).repeat(1, len(ranges), 1)
            return x, law(x)

        return comparison

    low = torch.tensor([r.interpolation[0] for r in ranges]).view(-1, 1, 1)
    width = torch.tensor([r.interpolation[1] - r.interpolation[0] for r in ranges]).view(-1, 1, 1)
    half_step = width * 2**-25
    divides = not law(torch.zeros(max(TWO_LAYERS.values()))).isfinite()

    def problem(uniform: Tensor) -> tuple[Tensor, Tensor]:
        x = low + width * uniform.unsqueeze(1)
        x = (torch.where(x == 0, half_step, x) if divides else x).flatten(1, 2)
        return x, law(x)

    return problem


def _records(group: Group, scale: Scale, tally: ErrorTally) -> list[SuccessRecord]:
    """Counts for each range."""
    records = []
    count = len(scale.seeds)
    solved = tally.extrapolation < tally.thresholds
    for i, r in enumerate(scale.ranges):
        of_range = slice(i * count, (i + 1) * count)
        good = solved[of_range]
        records.append(
            SuccessRecord(
                group.unit,
                group.operation,
                group.inputs,
                r.name,
                count,
                int(good.sum()),
                float(np.median(tally.solved_at[of_range][good])) if good.any() else None,
                _sparsity(tally.sparsity[of_range][good]),
                int((tally.extrapolation[of_range] < ABSOLUTE).sum()),
                form="found" if group.unit in FINDERS else "given",
                first_seed=scale.seeds[0],
            )
        )
    return records


def _sparsity(errors: FloatArray) -> float | None:
    """The mean of the sparsity errors; None without any, or where the unit has no selecting weights."""
    return float(f"{errors.mean():.2g}") if len(errors) and np.isfinite(errors).all() else None
