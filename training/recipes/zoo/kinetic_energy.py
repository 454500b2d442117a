"""kinetic-energy: energy from mass and speed, found in samples."""

from training.recipes.arithmetic import ArithmeticRecipe

RECIPE = ArithmeticRecipe(task="kinetic-energy", summary="Kinetic energy: joules from kilograms and metres a second")
