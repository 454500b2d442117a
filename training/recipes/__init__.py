"""The default models, one file each: how it is trained, as ``RECIPE``, and what it learns, as ``TASK``.

Models of numbers have a task, models of images are made from MNIST. ``python -m training zoo`` makes them all again,
``python -m training zoo add`` one of them. What recipes share is in ``training.recipes.base``.
"""

from models.registry import Registry
from training.recipes.base import Recipe
from training.recipes.base.arithmetic import ArithmeticTask

RECIPES: Registry[Recipe] = Registry("default model", "training.recipes", "RECIPE")
TASKS: Registry[ArithmeticTask] = Registry("task", "training.recipes", "TASK", optional=True)
