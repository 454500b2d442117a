"""Tasks of known arithmetic, and the recipe of their default models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from models.arrays import FloatArray
from training.data.table_split import Part, Split
from training.tabular import fit
from training.tabular.export import export_fitted

TRAINING_ROWS = 1024
TEST_ROWS = 1000
"""Rows for each part that is only measured."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class ArithmeticTask:
    """A law of one or more columns.

    Args:
        columns: names of the input columns.
        law: maps inputs ``(rows, columns)`` to the target ``(rows, 1)``.
        interpolation: range of every column that is trained on.
        extrapolation: range of every column that is only measured.
        extra_ranges: further ranges that are only measured, by name: where the law holds too, but a unit may not.
        target: name of the target column.
    """

    columns: tuple[str, ...]
    law: Callable[[FloatArray], FloatArray]
    interpolation: Interval
    extrapolation: Interval
    extra_ranges: Mapping[str, Interval] = field(default_factory=dict)
    target: str = "y"

    def sample(self, rows: int, within: Interval, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw inputs ``(rows, columns)`` uniformly from a range, and their targets ``(rows, 1)``."""
        inputs = random.uniform(*within, size=(rows, len(self.columns)))
        return inputs, self.law(inputs)

    def split(self, seed: int) -> Split:
        """Samples to train on and to measure within the interpolation range, and in the extrapolation range."""
        random = np.random.default_rng(seed)
        return Split(
            Part(*self.sample(TRAINING_ROWS, self.interpolation, random)),
            Part(*self.sample(TEST_ROWS, self.interpolation, random)),
            Part(*self.sample(TEST_ROWS, self.extrapolation, random)),
            drawn_from=self.interpolation,
        )


@dataclass(frozen=True)
class ArithmeticRecipe:
    """Learns a task from fresh uniform samples: finds the law, unless a unit is named."""

    task: ArithmeticTask
    summary: str
    unit: str = fit.AUTO
    seed: int = 0

    def make(self, name: str, repository: Path, plots: Path, command: str) -> Path:
        """See ``training.recipes.base.Recipe``."""
        task, split = self.task, self.task.split(self.seed)
        low, high = task.interpolation
        config = fit.FitConfig(
            name=name,
            columns=task.columns,
            target=task.target,
            unit=self.unit,
            seed=self.seed,
            command=command,
            data=f"task '{name}': {TRAINING_ROWS} samples from U[{low}, {high}]",
            summary=self.summary,
        )
        fitted = fit.fit(config, split)
        random = np.random.default_rng(self.seed)
        extra = {part: Part(*task.sample(TEST_ROWS, within, random)) for part, within in task.extra_ranges.items()}
        fitted.metrics.update(fit.measure(fitted.network, fitted.mlp, extra))
        fit.plot(fitted, split, plots / f"{name}.png", f"{name}, learned by {fitted.unit}")
        return export_fitted(fitted, config, split, repository, version=1)
