"""digit-sum: see ``training.digits.totals``."""

from training.digits.recipes import TotalRecipe
from training.digits.totals import SUM

RECIPE = TotalRecipe(SUM, epochs=32, seed=1)
"""Of the seeds 0, 1 and 2 the one that is least off on another collection; see ``benchmarks.pictures.elsewhere``."""
