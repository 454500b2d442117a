"""add: the sum of two numbers, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="add", summary="Sum of two numbers")
