"""How a unit is trained by first-order steps: data that each unit's file states, as its paper does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """Settings of a first-order training run.

    Args:
        learning_rate: of Adam.
        penalty: weight of the unit's ``penalty`` at the end of the ramp.
        ramp: the steps between which that weight grows from 0, linearly.
        clip_norm: largest norm of the gradient of one replica; None leaves it.
        clip_value: largest size of one entry of the gradient; None leaves it.
    """

    learning_rate: float = 1e-3
    penalty: float = 0.0
    ramp: tuple[int, int] = (20_000, 35_000)
    clip_norm: float | None = None
    clip_value: float | None = None
