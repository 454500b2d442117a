"""digit-count: see ``training.digits.totals``."""

from training.digits.recipes import TotalRecipe
from training.digits.totals import COUNT

RECIPE = TotalRecipe(COUNT, epochs=28)
