"""The quotient of two positive numbers, tested to 100 and a million times the range, below it, and for negatives."""

from training.recipes.base.arithmetic import ArithmeticRecipe, ArithmeticTask

TASK = ArithmeticTask(
    ("a", "b"),
    law=lambda x: x[:, :1] / x[:, 1:],
    interpolation=(1, 10),
    extrapolation=(10, 1000),
    extra_ranges={"below": (0.01, 1), "negative": (-10, -1), "far": (1e3, 1e7)},
)

RECIPE = ArithmeticRecipe(TASK, summary="Quotient of two numbers")
