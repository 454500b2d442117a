"""digit-count: see ``training.counting.totals``."""

from training.counting.totals import COUNT
from training.recipes.kinds.images import TotalRecipe

RECIPE = TotalRecipe(COUNT, epochs=28)
