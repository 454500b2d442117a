"""digit-value: the value of a digit, read as a number by a CNN with a NAC head."""

from training.recipes.base.images import DigitRecipe

RECIPE = DigitRecipe(task="regression", head_type="NAC", epochs=6, summary="Value of a handwritten digit, as a number")
