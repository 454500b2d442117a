"""digit-count: see ``training.counting.totals``."""

from training.counting.totals import COUNT
from training.recipes.kinds.images import AggregateRecipe

RECIPE = AggregateRecipe(COUNT, epochs=28)
