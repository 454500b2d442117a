"""How default models are made from an arithmetic task; those for pictures: ``training.recipes.images``."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from training.data.table_split import Part, Split
from training.recipes.tasks import TASKS
from training.tabular import fit

TRAINING_ROWS = 1024
TEST_ROWS = 1000
"""Rows for each part that is only measured."""


class Recipe(Protocol):
    """Makes one default model."""

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:
        """Train, measure and export as version 1, in the place of an earlier one; write plots into their folder.

        Returns:
            The version folder.
        """


@dataclass(frozen=True)
class ArithmeticRecipe:
    """Learns a task of ``training.recipes.tasks`` from fresh uniform samples: finds the law, unless a unit is named."""

    task: str
    summary: str
    unit: str = fit.AUTO
    seed: int = 0

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:
        task = TASKS.load(self.task)
        split = sample_split(self.task, self.seed)
        low, high = task.interpolation
        plan = fit.Plan(
            name=name,
            columns=task.columns,
            target=task.target,
            unit=self.unit,
            seed=self.seed,
            command=command,
            data=f"task '{self.task}': {TRAINING_ROWS} samples from U[{low}, {high}]",
            summary=self.summary,
        )
        fitted = fit.fit(plan, split)
        random = np.random.default_rng(self.seed)
        elsewhere = {part: Part(*task.sample(TEST_ROWS, within, random)) for part, within in task.elsewhere.items()}
        fitted.metrics.update(fit.measure(fitted.network, fitted.mlp, elsewhere))
        fit.plot(fitted, split, plots / f"{name}.png", f"{name}, learned by {fitted.unit}")
        return fit.export(fitted, plan, split, repository, version=1)


def sample_split(name: str, seed: int) -> Split:
    """Samples of a task: to train on and to measure within its interpolation range, and in its extrapolation range."""
    task, random = TASKS.load(name), np.random.default_rng(seed)
    return Split(
        Part(*task.sample(TRAINING_ROWS, task.interpolation, random)),
        Part(*task.sample(TEST_ROWS, task.interpolation, random)),
        Part(*task.sample(TEST_ROWS, task.extrapolation, random)),
        drawn_from=task.interpolation,
    )
