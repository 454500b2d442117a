"""divide: the quotient of two numbers, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="divide", summary="Quotient of two numbers")
