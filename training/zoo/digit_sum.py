"""digit-sum: see ``training.digits.totals``."""

from training.digits.recipes import TotalRecipe
from training.digits.totals import SUM

RECIPE = TotalRecipe(SUM, epochs=32)
