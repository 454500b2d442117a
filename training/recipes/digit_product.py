"""digit-product: see ``training.counting.aggregate_target``."""

from training.counting.aggregate_target import PRODUCT
from training.recipes.base.images import AggregateRecipe

RECIPE = AggregateRecipe(PRODUCT, epochs=14)
