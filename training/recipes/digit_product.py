"""digit-product: see ``training.counting.totals``."""

from training.counting.totals import PRODUCT
from training.recipes.kinds.images import TotalRecipe

RECIPE = TotalRecipe(PRODUCT, epochs=14)
