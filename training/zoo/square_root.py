"""square-root: the square root of a positive number, by a NALU."""

from training.recipes import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="square-root", unit="NALU", summary="Square root of a positive number")
