"""The default models: one file each says how it is trained, as ``RECIPE``.

``python -m training zoo`` makes them all again, ``python -m training zoo add`` one of them.
"""

from models.registry import Registry
from training.recipes.arithmetic import Recipe

RECIPES: Registry[Recipe] = Registry("default model", "training.recipes.zoo", "RECIPE")
