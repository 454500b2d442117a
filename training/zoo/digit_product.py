"""digit-product: see ``training.digits.totals``."""

from training.digits.recipes import TotalRecipe
from training.digits.totals import PRODUCT

RECIPE = TotalRecipe(PRODUCT, epochs=14)
