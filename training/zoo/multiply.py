"""multiply: the product of two positive numbers, by a NALU."""

from training.recipes import ArithmeticRecipe

RECIPE = ArithmeticRecipe(
    task="multiply", unit="NALU", summary="Product of two positive numbers; a NALU does not see signs"
)
