"""square-root: the square root of a number, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="square-root", summary="Square root of a number; of negative numbers there is none")
