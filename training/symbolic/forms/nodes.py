"""The parts of a form, and its values with their derivatives by every constant (forward-mode differentiation)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.arrays import FloatArray
from training.symbolic.functions import FUNCTIONS

Dual = tuple[FloatArray, FloatArray]
"""Values ``(rows,)`` and their derivatives by the constants ``(rows, constants)``."""


@dataclass(frozen=True)
class Number:
    """A number of the form, which stays as it is."""

    value: float


@dataclass(frozen=True)
class Column:
    """A column, by its place."""

    place: int


@dataclass(frozen=True)
class Constant:
    """A free constant, by its place among all."""

    place: int


@dataclass(frozen=True)
class Operation:
    """``+``, ``*``, ``/`` or ``**`` of two parts; a difference is a sum with -1 times the second."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True)
class FunctionNode:
    """A function of ``training.symbolic.functions.FUNCTIONS``."""

    function: str
    arguments: tuple["Node", ...]


Node = Number | Column | Constant | Operation | FunctionNode


def parts(node: Node) -> tuple[Node, ...]:
    """The parts that a part is made of."""
    if isinstance(node, Operation):
        return node.left, node.right
    return node.arguments if isinstance(node, FunctionNode) else ()


def nodes(node: Node) -> list[Node]:
    """A part and all that it is made of."""
    return [node, *(inner for part in parts(node) for inner in nodes(part))]


def is_constant(node: Node) -> bool:
    """Whether a part has no column."""
    return not any(isinstance(inner, Column) for inner in nodes(node))


@np.errstate(all="ignore")
def evaluate(node: Node, inputs: FloatArray, constants: FloatArray) -> Dual:
    """Values on every row, and their derivatives by every constant.

    Args:
        node: the form.
        inputs: ``(rows, columns)``.
        constants: ``(constants,)``.
    """
    zeros = np.zeros((len(inputs), len(constants)))
    match node:
        case Number(value):
            return np.full(len(inputs), value), zeros
        case Column(place):
            return inputs[:, place], zeros
        case Constant(place):
            zeros[:, place] = 1.0
            return np.full(len(inputs), constants[place]), zeros
        case Operation(operator, left, right):
            return _OPERATIONS[operator](evaluate(left, inputs, constants), evaluate(right, inputs, constants))
        case FunctionNode(function, arguments):
            return _called(function, [evaluate(argument, inputs, constants) for argument in arguments])


def _called(function: str, arguments: list[Dual]) -> Dual:
    values = [value for value, _ in arguments]
    partial = FUNCTIONS[function].slopes(*values)
    inner = (_times(factor, slopes) for factor, (_, slopes) in zip(partial, arguments, strict=True))
    return FUNCTIONS[function].value(*values), np.asarray(sum(inner))


def _sum(left: Dual, right: Dual) -> Dual:
    return left[0] + right[0], left[1] + right[1]


def _product(left: Dual, right: Dual) -> Dual:
    return left[0] * right[0], _times(right[0], left[1]) + _times(left[0], right[1])


def _quotient(left: Dual, right: Dual) -> Dual:
    value = left[0] / right[0]
    return value, _times(1 / right[0], left[1]) - _times(value / right[0], right[1])


def _power(base: Dual, exponent: Dual) -> Dual:
    (x, dx), (p, dp) = base, exponent
    value = x**p
    return value, _times(p * x ** (p - 1), dx) + _times(value * np.log(x), dp)


def _times(factor: FloatArray, slopes: FloatArray) -> FloatArray:
    """Slopes times a factor, ``(rows,)``; 0 where a slope is, whatever the factor is."""
    return np.where(slopes == 0, 0.0, factor[:, None] * slopes)


_OPERATIONS: dict[str, Callable[[Dual, Dual], Dual]] = {"+": _sum, "*": _product, "/": _quotient, "**": _power}
