"""The square root of a positive number, tested to 100 and a million times the training range, and below it."""

import numpy as np

from training.recipes.base.arithmetic import ArithmeticRecipe, ArithmeticTask

TASK = ArithmeticTask(
    ("a",),
    law=lambda x: np.sqrt(x),
    interpolation=(1, 10),
    extrapolation=(10, 1000),
    extra_ranges={"below": (0.01, 1), "far": (1e3, 1e7)},
)

RECIPE = ArithmeticRecipe(TASK, summary="Square root of a number; of negative numbers there is none")
