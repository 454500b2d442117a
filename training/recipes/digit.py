"""digit: which digit an image shows, by a CNN with a NALU head."""

from training.recipes.base.images import DigitRecipe

RECIPE = DigitRecipe(task="classification", head_type="NALU", summary="Which handwritten digit an image shows")
