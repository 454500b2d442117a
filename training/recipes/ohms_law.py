"""Ohm's law: the current that a voltage drives through a resistance."""

from training.recipes.base.arithmetic import ArithmeticRecipe, ArithmeticTask

TASK = ArithmeticTask(
    ("voltage", "resistance"),
    law=lambda x: x[:, :1] / x[:, 1:],
    interpolation=(1, 10),
    extrapolation=(10, 1000),
    target="current",
    extra_ranges={"below": (0.01, 1), "far": (1e3, 1e7)},
)

RECIPE = ArithmeticRecipe(TASK, summary="Ohm's law: amperes from volts and ohms")
