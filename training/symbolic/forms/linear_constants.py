"""Which constants of a form are linear, and how large the others typically are."""

from collections.abc import Iterable

import numpy as np

from models.arrays import FloatArray, IntArray
from training.symbolic.forms.nodes import Constant, FunctionNode, Node, Number, Operation, evaluate, nodes, parts

NOT_LINEAR = 2


def linear_constants(root: Node, count: int) -> IntArray:
    """Places of constants in which the form is linear, all taken together."""
    linear: set[int] = set()
    for place in range(count):
        if _degree(root, linear | {place}) <= 1:
            linear.add(place)
    return np.array(sorted(linear), dtype=np.int64)


def _degree(node: Node, places: set[int]) -> int:
    """The degree of a part in some constants together: 0, 1, or ``NOT_LINEAR``."""
    match node:
        case Constant(place):
            return int(place in places)
        case Operation("+", left, right):
            return max(_degree(left, places), _degree(right, places))
        case Operation("*", left, right):
            return min(NOT_LINEAR, _degree(left, places) + _degree(right, places))
        case Operation("/", left, right):
            return NOT_LINEAR if _degree(right, places) else _degree(left, places)
        case Operation("**", left, Number(1.0)):
            return _degree(left, places)
        case Operation(_, left, right):
            return NOT_LINEAR * bool(_degree(left, places) + _degree(right, places))
        case FunctionNode(_, arguments):
            return NOT_LINEAR * any(_degree(argument, places) for argument in arguments)
    return 0


def typical_sizes(root: Node, inputs: FloatArray, count: int) -> FloatArray:
    """Sizes of constants that bring a product with columns near 1, and a sum near the size of its other terms.

    Args:
        root: the form.
        inputs: ``(rows, columns)``.
        count: of constants.
    """
    sizes = np.ones(count)
    _add_sizes(root, inputs, sizes)
    return sizes


def _add_sizes(node: Node, inputs: FloatArray, sizes: FloatArray) -> None:
    """Set the sizes of a part's constants."""
    inner: Iterable[Node] = parts(node)
    if isinstance(node, Operation) and node.operator == "+":
        inner = list(_terms(node))
        size = max((_size(term, inputs) for term in inner if not _has_constants(term)), default=1.0)
        for term in inner:
            if isinstance(term, Constant):
                sizes[term.place] = size
    elif isinstance(node, Operation) and node.operator in ("*", "/"):
        factors = list(_factors(node))
        inner = [part for part, _ in factors]
        size = float(np.prod([_size(part, inputs) ** power for part, power in factors if not _has_constants(part)]))
        for part, power in factors:
            if isinstance(part, Constant) and np.isfinite(size) and size > 0:
                sizes[part.place] = size**-power
    for part in inner:
        _add_sizes(part, inputs, sizes)


def _terms(node: Node) -> Iterable[Node]:
    if isinstance(node, Operation) and node.operator == "+":
        yield from _terms(node.left)
        yield from _terms(node.right)
    else:
        yield node


def _factors(node: Node, power: int = 1) -> Iterable[tuple[Node, int]]:
    """Factors and divisors, each with 1 or -1."""
    if isinstance(node, Operation) and node.operator in ("*", "/"):
        yield from _factors(node.left, power)
        yield from _factors(node.right, power if node.operator == "*" else -power)
    else:
        yield node, power


def _has_constants(node: Node) -> bool:
    return any(isinstance(part, Constant) for part in nodes(node))


def _size(node: Node, inputs: FloatArray) -> float:
    """The median magnitude of a part without constants, 1 where that is 0 or not finite."""
    with np.errstate(all="ignore"):
        size = float(np.median(np.abs(evaluate(node, inputs, np.zeros(0))[0])))
    return size if np.isfinite(size) and size > 0 else 1.0
