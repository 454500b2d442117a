"""Hyperparameters of a unit's training with Adam, as its paper publishes them; each unit's file has its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

WIDE: Mapping[str, Any] = {"steps": 100_000, "ramp": (50_000, 75_000)}
"""Settings of every unit for tasks with irrelevant inputs, as published for 10 inputs of which 2 count."""


@dataclass(frozen=True)
class Hyperparameters:
    """Settings of a training with Adam. The defaults are those of the Single Module Arithmetic Task.

    Args:
        learning_rate: of Adam.
        steps: of Adam, each on fresh samples.
        loss: the mean of "squared" or of "absolute" errors.
        penalty: weight of the unit's ``penalty`` at the end of the ramp.
        ramp: the steps between which that weight grows from 0, linearly.
        penalty_below: the penalty counts only while the interpolation error is below this; None: always.
        l1: first and last weight of the sum of all magnitudes of the unit's weights, tenfold every 10,000 steps.
        clip_norm: largest norm of the gradient of one replica; None leaves it.
        clip_value: largest size of one entry of the gradient; None leaves it.
        restart: draw new start values as iNALU does: every 10 steps, once 5,000 errors are recorded, if their second
            half averages above 1 and the first half does not average above mean and standard deviation of the second.
        by_operation: settings that differ for one operation, by its name, for example ``"divide"``.
        wide: settings that differ with more than two inputs, besides ``WIDE``.
    """

    learning_rate: float = 1e-3
    steps: int = 50_000
    loss: Literal["squared", "absolute"] = "squared"
    penalty: float = 0.0
    ramp: tuple[int, int] = (20_000, 35_000)
    penalty_below: float | None = None
    l1: tuple[float, float] = (0.0, 0.0)
    clip_norm: float | None = None
    clip_value: float | None = None
    restart: bool = False
    by_operation: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    wide: Mapping[str, Any] = field(default_factory=dict)

    def for_task(self, operation: str, in_features: int) -> "Hyperparameters":
        """The settings for one operation on so many inputs."""
        wide = {**WIDE, **self.wide} if in_features > 2 else {}
        return replace(self, **self.by_operation.get(operation, {}), **wide)

    def penalty_at(self, step: int) -> float:
        """Weight of the unit's penalty at a step, the first being 0."""
        start, end = self.ramp
        return self.penalty * min(1.0, max(0, step - start) / max(1, end - start))

    def l1_at(self, step: int) -> float:
        """Weight of the sum of all magnitudes at a step, the first being 0."""
        first, last = self.l1
        return min(last, first * 10.0 ** (step // 10_000))
