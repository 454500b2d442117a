"""add: the sum of two numbers, by a NAC."""

from training.recipes import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="add", unit="NAC", summary="Sum of two numbers")
