"""The benchmark's rows of symbolic regression: one run a seed; it selects operation and operands from one sample."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from training.research.benchmark.plan import Group
from training.research.benchmark.records import SuccessRecord
from training.research.benchmark.run import Scale, problem
from training.research.benchmark.task import EXTRAPOLATION_SEED, OPERATIONS, Range, UniformStream, evaluation_set
from training.research.benchmark.thresholds import ABSOLUTE, threshold
from training.symbolic import find_law

ROWS = {2: 128, 10: 256, 100: 1_536}
"""Rows of the sample, by number of inputs; other numbers take those of the next larger one."""


def run_symbolic_regression(group: Group, scale: Scale, progress: Callable[[int], Any]) -> list[SuccessRecord]:
    """Run symbolic regression on every range and seed; calls ``progress`` after every run."""
    return [_record(group, scale, r, progress) for r in scale.ranges]


def _record(group: Group, scale: Scale, r: Range, progress: Callable[[int], Any]) -> SuccessRecord:
    errors = []
    for seed in scale.seeds:
        errors.append(extrapolation_error(group, r, seed))
        progress(1)
    below = np.array(errors) < threshold(group.operation, r.extrapolation, group.inputs)
    return SuccessRecord(
        group.unit,
        group.operation,
        group.inputs,
        r.name,
        len(scale.seeds),
        int(below.sum()),
        None,
        0.0 if below.any() else None,
        int((np.array(errors) < ABSOLUTE).sum()),
        training="second-order",
        snapped=True,
        form="found",
        first_seed=scale.seeds[0],
    )


def extrapolation_error(group: Group, r: Range, seed: int) -> float:
    """Mean square error, on the extrapolation set, of the law found from one sample of float32 numbers."""
    law = OPERATIONS[group.operation].law
    rows = next(count for inputs, count in ROWS.items() if inputs >= group.inputs)
    x, y = problem(group.operation, [r])(torch.from_numpy(UniformStream([seed], group.inputs, rows).draw(1)[0]))
    finding = find_law(x[:, 0].T.double().numpy(), y.T.double().numpy(), seed=seed, seconds=20)
    beyond = torch.from_numpy(evaluation_set(r.extrapolation, group.inputs, EXTRAPOLATION_SEED)).float()
    with torch.no_grad():
        answer = finding.network(beyond.T.double())[:, 0]
    return float(((answer - law(beyond).double()) ** 2).mean())
