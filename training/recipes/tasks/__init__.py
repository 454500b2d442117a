"""What is to be learned: a law with its interpolation and extrapolation ranges, one task a file, as ``TASK``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from models.arrays import FloatArray
from models.registry import Registry

Range = tuple[float, float]


@dataclass(frozen=True)
class ArithmeticTask:
    """A law of one or more columns.

    Args:
        columns: names of the input columns.
        law: maps inputs ``(rows, columns)`` to the target ``(rows, 1)``.
        interpolation: range of every column that is trained on.
        extrapolation: range of every column that is only measured.
        elsewhere: further ranges that are only measured, by name: where the law holds too, but a unit may not.
        target: name of the target column.
    """

    columns: tuple[str, ...]
    law: Callable[[FloatArray], FloatArray]
    interpolation: Range
    extrapolation: Range
    elsewhere: Mapping[str, Range] = field(default_factory=dict)
    target: str = "y"

    def sample(self, rows: int, within: Range, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw inputs uniformly from a range, and their targets."""
        inputs = random.uniform(*within, size=(rows, len(self.columns)))
        return inputs, self.law(inputs)


TASKS: Registry[ArithmeticTask] = Registry("task", "training.recipes.tasks", "TASK")
