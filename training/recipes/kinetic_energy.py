"""The kinetic energy of a mass at a speed."""

from training.recipes.base.arithmetic import ArithmeticRecipe, ArithmeticTask

TASK = ArithmeticTask(
    ("mass", "speed"),
    law=lambda x: 0.5 * x[:, :1] * x[:, 1:] ** 2,
    interpolation=(1, 10),
    extrapolation=(10, 1000),
    target="energy",
    extra_ranges={"below": (0.01, 1), "far": (1e3, 1e7)},
)

RECIPE = ArithmeticRecipe(TASK, summary="Kinetic energy: joules from kilograms and metres a second")
