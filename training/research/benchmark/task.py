"""Ranges, operations and samples of the Single Module Arithmetic Task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.arrays import FloatArray

Interval = tuple[float, float]

BATCH = 128
INTERPOLATION_SEED, EXTRAPOLATION_SEED = 43953907, 8689336
"""Seeds of the two evaluation sets, and their rows, as published."""
EVALUATION_ROWS = 10_000


@dataclass(frozen=True)
class Range:
    """The interval of training inputs, and the one or two intervals of extrapolation inputs.

    Args:
        label: its name, where several ranges share their training inputs.
    """

    interpolation: Interval
    extrapolation: tuple[Interval, ...]
    label: str = ""

    @property
    def name(self) -> str:
        """For example ``[-2, -1]``."""
        low, high = self.interpolation
        return self.label or f"[{low:g}, {high:g}]"


RANGES = (
    Range((-20, -10), ((-40, -20),)),
    Range((-2, -1), ((-6, -2),)),
    Range((-1.2, -1.1), ((-6.1, -1.2),)),
    Range((-0.2, -0.1), ((-2, -0.2),)),
    Range((-2, 2), ((-6, -2), (2, 6))),
    Range((0.1, 0.2), ((0.2, 2),)),
    Range((1, 2), ((2, 6),)),
    Range((1.1, 1.2), ((1.2, 6),)),
    Range((10, 20), ((20, 40),)),
)
"""The nine published ranges."""
DIGIT_RANGES = (Range((1, 9), ((1e14, 1e15),), "digits to 1e14"),)
"""Of comparisons: trained on digits, evaluated on whole numbers of that size (Faber and Wattenhofer 2023)."""


@dataclass(frozen=True)
class Operation:
    """An operation to learn.

    Args:
        name: on the command line.
        symbol: in tables.
        law: maps inputs, features first, to the target. Inputs that it does not read are irrelevant.
        equal_share: of a comparison of whole numbers the share of pairs that are made equal; None for others.
    """

    name: str
    symbol: str
    law: Callable[[Tensor], Tensor]
    equal_share: float | None = None


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("add", "a + b", lambda x: x[0] + x[1]),
        Operation("subtract", "a - b", lambda x: x[0] - x[1]),
        Operation("multiply", "a * b", lambda x: x[0] * x[1]),
        Operation("divide", "a / b", lambda x: x[0] / x[1]),
        Operation("square", "a^2", lambda x: x[0] * x[0]),
        Operation("square-root", "sqrt(|a|)", lambda x: x[0].abs().sqrt()),
        Operation("reciprocal", "1 / a", lambda x: 1 / x[0]),
        Operation("minimum", "min(a, b)", lambda x: x[:2].amin(0)),
        Operation("maximum", "max(a, b)", lambda x: x[:2].amax(0)),
        Operation("piecewise", "e + 4 if a > b else d - c", lambda x: torch.where(x[0] > x[1], x[4] + 4, x[3] - x[2])),
        Operation("greater", "a > b", lambda x: (x[0] > x[1]).to(x.dtype), equal_share=0.0),
        Operation("equal", "a = b", lambda x: (x[0] == x[1]).to(x.dtype), equal_share=0.5),
        Operation("product-of-sums", "(a + b)(a + b + c + d)", lambda x: (x[0] + x[1]) * x.sum(0)),
        Operation("quotient-of-sums", "(a + b) / (a + b + c + d)", lambda x: (x[0] + x[1]) / x.sum(0)),
        Operation("product-of-subsets", "sum of 25 * sum of 25, half in common", lambda x: _first(x) * _second(x)),
        Operation("quotient-of-subsets", "sum of 25 / sum of 25, half in common", lambda x: _first(x) / _second(x)),
    )
}


TWO_LAYERS = {"product-of-sums": 4, "quotient-of-sums": 4, "product-of-subsets": 100, "quotient-of-subsets": 100}
"""Operations on sums, and their numbers of inputs (Madsen and Johansen 2020); run on one range."""
PIECEWISE = {"piecewise": 5}
"""The operation that a comparison controls, and its number of inputs (Faber and Wattenhofer 2023)."""


def _first(x: Tensor) -> Tensor:
    return x[:25].sum(0)


def _second(x: Tensor) -> Tensor:
    return x[13:38].sum(0)


def evaluation_set(intervals: Sequence[Interval], inputs: int, seed: int, rows: int = EVALUATION_ROWS) -> FloatArray:
    """The published evaluation samples, ``(inputs, rows)``, each number from a random one of the intervals."""
    random = np.random.RandomState(seed)
    parts = [random.uniform(low, high, (rows, inputs)) for low, high in intervals]
    if len(parts) == 1:
        return parts[0].T
    return np.where(random.randint(2, size=(rows, inputs)), *parts).T


class UniformStream:
    """Uniform random numbers in [0, 1), one stream for each seed.

    The ranges of a seed share its stream, as published: their samples differ in scale alone.
    """

    def __init__(self, seeds: Sequence[int], inputs: int, batch: int = BATCH) -> None:
        self.shape = (inputs, batch)
        self._random = [np.random.default_rng(seed) for seed in seeds]

    def draw(self, steps: int) -> NDArray[np.float32]:
        """The next numbers: ``(steps, inputs, seeds, batch)``."""
        parts = [random.random((steps, *self.shape), np.float32) for random in self._random]
        return np.stack(parts, 2)
