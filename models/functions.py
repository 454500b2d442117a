"""The functions of a law's features, in float64 and of operators that ONNX Runtime computes in float64.

ONNX Runtime 1.31 has no float64 kernel for Tan, Asin, Acos and Atan, so these are built from those it has: the tangent
as a quotient, the arcus functions from the arctangent's Taylor series, after its half-angle formula has been applied
twice. Their relative error is below 1e-15.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

HALVINGS, SERIES_TERMS = 2, 12
"""Of the arctangent's argument, to at most tan(pi/16); and terms of its series, the first that is left out 2e-19."""


def arctan(x: Tensor) -> Tensor:
    """The angle from -pi/2 to pi/2 whose tangent is x; of infinity too."""
    size = x.abs()
    is_large = size > 1
    reduced = torch.where(is_large, 1 / torch.where(is_large, size, 1.0), size)
    for _ in range(HALVINGS):
        reduced = reduced / (1 + (1 + reduced * reduced).sqrt())
    # tensors, as exporters write Python's numbers as float32
    series = [torch.tensor((-1.0) ** k / (2 * k + 1), dtype=x.dtype, device=x.device) for k in range(SERIES_TERMS)]
    square, value = reduced * reduced, torch.zeros_like(reduced)
    for coefficient in reversed(series):
        value = value * square + coefficient
    angle = 2.0**HALVINGS * reduced * value
    quarter_turn = torch.tensor(math.pi / 2, dtype=x.dtype, device=x.device)
    return x.sign() * torch.where(is_large, quarter_turn - angle, angle)


def arcsin(x: Tensor) -> Tensor:
    """The angle from -pi/2 to pi/2 whose sine is x; nan beyond 1."""
    return 2 * arctan(x / (1 + ((1 - x) * (1 + x)).sqrt()))


def arccos(x: Tensor) -> Tensor:
    """The angle from 0 to pi whose cosine is x; nan beyond 1."""
    return 2 * arctan((1 - x).sqrt() / (1 + x).sqrt())


def tan(x: Tensor) -> Tensor:
    """Sine over cosine."""
    return x.sin() / x.cos()


def identity(x: Tensor) -> Tensor:
    """The law itself as a column."""
    return x


FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "identity": identity,
    "exp": torch.exp,
    "log": torch.log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": tan,
    "tanh": torch.tanh,
    "arcsin": arcsin,
    "arccos": arccos,
    "arctan": arctan,
    "abs": torch.abs,
    "min": torch.minimum,
    "max": torch.maximum,
}
"""All functions of a ``law.Feature``, by name."""
BINARY = frozenset({"min", "max"})
"""Those of two arguments."""
