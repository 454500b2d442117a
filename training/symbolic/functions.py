"""The functions of ``models.functions`` in NumPy, with their derivatives."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from models.arrays import FloatArray


class Function(NamedTuple):
    """A function of one argument or two, and its derivative by each: arrays ``(rows,)``."""

    value: Callable[..., FloatArray]
    slopes: Callable[..., Sequence[FloatArray]]


FUNCTIONS: dict[str, Function] = {
    "identity": Function(lambda x: x, lambda x: [np.ones_like(x)]),
    "exp": Function(np.exp, lambda x: [np.exp(x)]),
    "log": Function(np.log, lambda x: [1 / x]),
    "sin": Function(np.sin, lambda x: [np.cos(x)]),
    "cos": Function(np.cos, lambda x: [-np.sin(x)]),
    "tan": Function(np.tan, lambda x: [1 + np.tan(x) ** 2]),
    "tanh": Function(np.tanh, lambda x: [1 - np.tanh(x) ** 2]),
    "arcsin": Function(np.arcsin, lambda x: [1 / np.sqrt((1 - x) * (1 + x))]),
    "arccos": Function(np.arccos, lambda x: [-1 / np.sqrt((1 - x) * (1 + x))]),
    "arctan": Function(np.arctan, lambda x: [1 / (1 + x * x)]),
    "abs": Function(np.abs, lambda x: [np.sign(x)]),
    "min": Function(np.minimum, lambda x, y: [1.0 * (x <= y), 1.0 * (x > y)]),
    "max": Function(np.maximum, lambda x, y: [1.0 * (x >= y), 1.0 * (x < y)]),
}
"""By name, as in ``models.functions.FUNCTIONS``."""
