"""square: the square of a number, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="square", summary="Square of a number")
