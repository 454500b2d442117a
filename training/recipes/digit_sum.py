"""digit-sum: see ``training.counting.totals``."""

from training.counting.totals import SUM
from training.recipes.kinds.images import AggregateRecipe

RECIPE = AggregateRecipe(SUM, epochs=32, seed=1)
"""Of the seeds 0, 1 and 2 the one that is least off on another collection; see ``benchmarks.images.elsewhere``."""
