"""multiply: the product of two numbers, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="multiply", summary="Product of two numbers")
