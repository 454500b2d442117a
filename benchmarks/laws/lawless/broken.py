"""Truths with steps, bends and chance in them."""

import numpy as np

from benchmarks.laws.lawless.case import Function
from benchmarks.laws.lawless.codes import Maker
from models.arrays import FloatArray


def tax(random: np.random.Generator) -> Function:
    """Rates that rise at two bounds."""
    low, high = random.uniform(3, 5), random.uniform(6, 8)
    return lambda x: 0.1 * x[:, 0] + 0.2 * (x[:, 0] - low).clip(0) + 0.3 * (x[:, 0] - high).clip(0) + x[:, 1]


def two_regimes(random: np.random.Generator) -> Function:
    """One law below a bound and another above."""
    bound = random.uniform(3, 7)
    return lambda x: np.where(x[:, 0] < bound, x[:, 0] * x[:, 1], bound**2 * x[:, 1] / x[:, 0])


def rare_regime(random: np.random.Generator) -> Function:
    """A law that one row in ten does not follow: at the upper end of its first column it is cut off."""
    bound = random.uniform(8.8, 9.4)
    return lambda x: np.minimum(x[:, 0], bound) * x[:, 1]


def random_network(random: np.random.Generator) -> Function:
    """A network of eight units of tanh."""
    W, v = random.normal(size=(2, 8)), random.normal(size=8)
    return lambda x: np.tanh((x - 5) / 3 @ W) @ v + 4


def random_tree(random: np.random.Generator) -> Function:
    """A forest of ten trees of depth 3."""
    columns, bounds, leaves = random.integers(0, 2, (10, 3)), random.uniform(2, 9, (10, 3)), random.normal(size=(10, 8))

    def forest(x: FloatArray) -> FloatArray:
        places = (x[:, columns] > bounds) @ np.array([1, 2, 4])
        return np.asarray(leaves[np.arange(10), places].sum(1) + 10)

    return forest


def random_target(random: np.random.Generator) -> Function:
    """Numbers that have nothing to do with the columns."""
    return lambda x: random.normal(size=len(x)) + 5


def walk(random: np.random.Generator) -> Function:
    """A random walk along the first column."""
    return lambda x: random.normal(size=len(x)).cumsum()[np.argsort(np.argsort(x[:, 0]))]


BROKEN: dict[str, Maker] = {
    "tax": tax,
    "two regimes": two_regimes,
    "cut off at the end": rare_regime,
    "rounded": lambda _: lambda x: np.round(x[:, 0] * x[:, 1] / 7) + 1,
    "floor": lambda _: lambda x: np.floor(x[:, 0]) * x[:, 1],
    "integer part of a quotient": lambda _: lambda x: x[:, 0] * x[:, 1] // 3 + x[:, 1],
    "remainder": lambda _: lambda x: x[:, 0] % 3 + x[:, 1],
    "triangle wave": lambda _: lambda x: np.abs(x[:, 0] % 4 - 2) + x[:, 1],
    "square wave": lambda _: lambda x: np.sign(np.sin(x[:, 0])) + 3 * x[:, 1],
    "median of three": lambda _: lambda x: np.median(np.stack([x[:, 0], x[:, 1], 5 + 0 * x[:, 0]]), axis=0),
    "random network": random_network,
    "random forest": random_tree,
}
"""Of two columns of positive numbers."""
CHANCE: dict[str, Maker] = {"random target": random_target, "random walk": walk}
"""Of two columns; what they are beyond the range is not known, and a claim is false whatever it says."""
