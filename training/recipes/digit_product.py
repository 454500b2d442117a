"""digit-product: see ``training.counting.totals``."""

from training.counting.totals import PRODUCT
from training.recipes.kinds.images import AggregateRecipe

RECIPE = AggregateRecipe(PRODUCT, epochs=14)
