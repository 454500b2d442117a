"""reciprocal: one over a number, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="reciprocal", summary="Reciprocal of a number")
