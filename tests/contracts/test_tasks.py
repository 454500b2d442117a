"""What every task promises, and the law of each by an independent formula."""

import math

import numpy as np
import pytest

from training.data.table_split import Part
from training.recipes import TASKS

LAWS = {
    "add": lambda a, b: math.fsum((a, b)),
    "subtract": lambda a, b: math.fsum((a, -b)),
    "multiply": lambda a, b: math.prod((a, b)),
    "divide": lambda a, b: a * b**-1,
    "square": lambda a: math.pow(a, 2),
    "square-root": math.sqrt,
    "reciprocal": lambda a: math.pow(a, -1),
    "ohms-law": lambda voltage, resistance: voltage * resistance**-1,
    "kinetic-energy": lambda mass, speed: math.prod((mass, speed, speed)) / 2,
}


def test_every_task_has_a_law_here() -> None:
    assert sorted(LAWS) == TASKS.names()


@pytest.mark.parametrize("name", TASKS.names())
def test_targets_follow_the_law(name: str) -> None:
    task, random = TASKS.load(name), np.random.default_rng(3)
    split = task.split(seed=4)
    elsewhere = [Part(*task.sample(50, within, random)) for within in task.extra_ranges.values()]
    for part in (split.train, split.interpolation, split.extrapolation, *elsewhere):
        assert part.target.shape == (len(part), 1)
        expected = [LAWS[name](*row) for row in part.inputs.tolist()]
        np.testing.assert_allclose(part.target[:, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("name", TASKS.names())
def test_samples_lie_in_their_ranges_and_extrapolation_reaches_a_hundred_times_as_far(name: str) -> None:
    task = TASKS.load(name)
    split = task.split(seed=4)
    for part, (low, high) in ((split.train, task.interpolation), (split.extrapolation, task.extrapolation)):
        assert part.inputs.shape[1] == len(task.columns)
        assert low <= part.inputs.min()
        assert part.inputs.max() <= high
    assert task.extrapolation[1] == 100 * task.interpolation[1]
    assert np.abs(split.extrapolation.inputs).max() > 90 * task.interpolation[1]


def test_a_seed_reproduces_the_samples() -> None:
    first, again, other = (TASKS.load("add").split(seed).train.inputs for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
