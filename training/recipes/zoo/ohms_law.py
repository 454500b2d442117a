"""ohms-law: current from voltage and resistance, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="ohms-law", summary="Ohm's law: amperes from volts and ohms")
