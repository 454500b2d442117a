"""subtract: the difference of two numbers, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="subtract", summary="Difference of two numbers")
