"""Shapes: functions of an inner sum with free constants, whose power times a product of powers may be a law."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray


@dataclass(frozen=True)
class Shape:
    """``f(v)``, or ``1 + k f(v)``, of an inner sum ``v = sum_i w_i m_i`` of products; parameters are w, then k.

    Or ``f(w_1 m_1) g(w_2 m_2)``.

    Args:
        function: a name out of ``models.functions.FUNCTIONS``; ``identity`` for a power of the inner sum.
        terms: of the inner sum.
        plus_one: whether it is ``1 + k f(v)``.
        second: g, a name of the same; empty without one.
    """

    function: str
    terms: int
    plus_one: bool = False
    second: str = ""

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return self.terms + self.plus_one

    def values(self, inner: FloatArray, parameters: FloatArray) -> FloatArray:
        """Values ``(shapes, rows)`` of inner terms ``(shapes, terms, rows)`` for parameters ``(shapes, size)``."""
        if self.second:
            first, second = (inner * parameters[:, :, None]).transpose(1, 0, 2)
            return CALLS[self.function](first) * CALLS[self.second](second)
        argument = np.einsum("bmr,bm->br", inner, parameters[:, : self.terms])
        found = CALLS[self.function](argument)
        return np.asarray(1 + parameters[:, self.terms :] * found if self.plus_one else found)

    def logs(self, inner: FloatArray, parameters: FloatArray) -> FloatArray:
        """Logarithms of the values' magnitudes, ``(shapes, rows)``."""
        with np.errstate(all="ignore"):
            return np.asarray(np.log(np.abs(self.values(inner, parameters))))


CALLS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "identity": lambda v: v,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "tanh": np.tanh,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
}
_SPANS = (-5.0, -2.5, -1.2, -0.6, -0.3, -0.15, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0)
_PHASES = (-3.0, -1.5, -0.7, -0.3, 0.3, 0.7, 1.5, 3.0)
_FACTORS = (-30.0, -5.0, -2.0, -1.0, -0.5, -0.1, 0.1, 0.5, 1.0, 2.0, 5.0, 30.0)
_RATIOS = (-20.0, -5.0, -2.0, -1.0, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 20.0)
STEP, LARGEST_ANGLE = 0.35, 26.0
"""Radian between the start values of a wave at the end of its range, and where they end."""
_TURNS = np.linspace(0, np.pi, 6, endpoint=False)
BOUNDED, PERIODIC = ("arcsin", "arccos"), ("sin", "cos", "tan")


def starts(shape: Shape, inner: FloatArray) -> FloatArray:
    """Parameters to start from for one set of inner terms ``(terms, rows)``: ``(starts, size)``.

    The first term's factor varies, 1 among its values; a second term is a phase.
    """
    size, one = np.median(np.abs(inner), axis=1) + 1e-300, np.ones(1)
    if shape.function == "exp" and not shape.plus_one:
        return np.array([[1 / size[0]]])
    if shape.function == "identity":
        return np.column_stack([np.full(len(_RATIOS), 1 / size[0]), np.array(_RATIOS) / size[1]])
    spans, phases = np.array(_SPANS) / size[0], np.array(_PHASES)
    if shape.function in BOUNDED:
        spans, phases = np.array([-0.999, -0.9, -0.6, -0.3, 0.3, 0.6, 0.9, 0.999]) / np.abs(inner[0]).max(), phases / 4
    elif shape.function in PERIODIC:
        spans, phases = wave_factors(inner[0]), _TURNS
    elif shape.function == "log":
        phases = np.append(1.0, phases)  # of log(1 + v), whose logarithm others fit nearly as well
        spans = np.exp(np.linspace(-3, 3, 61)) / size[0] if shape.terms == 1 else spans
    spans = np.append(one, spans)
    if shape.function in PERIODIC and shape.terms == 2 and np.ptp(inner[1]):
        others = np.append(one, wave_factors(inner[1])[::2])
        others = others if shape.second else np.append(others, -others)
        return np.array([(span, other) for span in spans[::2] for other in others])
    if shape.plus_one:
        return np.array([(span, factor) for span in spans for factor in _FACTORS])
    if shape.terms == 1:
        return spans[:, None]
    if np.ptp(inner[1]):
        phases = np.append(phases, -phases[::2] / 2) / (
            np.abs(inner[1]).max() if shape.function in BOUNDED else size[1]
        )
        phases = np.append(1.0, phases)
    return np.array([(span, phase) for span in spans for phase in phases])


def wave_factors(values: FloatArray) -> FloatArray:
    """Factors of a product that a wave may have, by its range of values, ``(rows,)``."""
    largest = max(np.ptp(values), 0.5 * np.abs(values).max()) + 1e-300
    return np.asarray(np.arange(STEP, LARGEST_ANGLE, STEP) / largest)
