"""subtract: the difference of two numbers, by a NAC."""

from training.recipes import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="subtract", unit="NAC", summary="Difference of two numbers")
