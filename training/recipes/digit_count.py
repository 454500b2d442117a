"""digit-count: see ``training.counting.aggregate_target``."""

from training.counting.aggregate_target import COUNT
from training.recipes.base.images import AggregateRecipe

RECIPE = AggregateRecipe(COUNT, epochs=28)
