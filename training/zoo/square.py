"""square: the square of a positive number, by a NALU."""

from training.recipes import ArithmeticRecipe

RECIPE = ArithmeticRecipe(
    task="square", unit="NALU", summary="Square of a positive number; a NALU's gate can open elsewhere"
)
