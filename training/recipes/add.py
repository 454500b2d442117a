"""The sum of two numbers of either sign, tested to 100 times the training range, and to a million times."""

from training.recipes.base.arithmetic import ArithmeticRecipe, ArithmeticTask

TASK = ArithmeticTask(
    ("a", "b"),
    law=lambda x: x[:, :1] + x[:, 1:],
    interpolation=(-10, 10),
    extrapolation=(-1000, 1000),
    extra_ranges={"far": (1e3, 1e7)},
)

RECIPE = ArithmeticRecipe(TASK, summary="Sum of two numbers")
