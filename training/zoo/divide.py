"""divide: the quotient of two positive numbers, by a NALU."""

from training.recipes import ArithmeticRecipe

RECIPE = ArithmeticRecipe(
    task="divide", unit="NALU", summary="Quotient of two positive numbers; a NALU does not see signs"
)
