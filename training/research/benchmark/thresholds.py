"""The error below which a run counts as solved: that of a model whose every weight is off by epsilon.

The construction is published for + - * / (Madsen and Johansen 2020; for this task ``generate_exp_thresholds.r`` of
https://github.com/bmistry4/nalm-benchmark, by simulation) and continued here to powers of one input. Here it is in
closed form.
"""

from collections.abc import Callable, Sequence

from training.research.benchmark.comparisons import COMPARING, CRITERION
from training.research.benchmark.task import Interval

EPSILON = 1e-5
ABSOLUTE = 1e-5
"""The mean square error that the scripts behind the earlier figures require for any range and operation."""

_STATED = {"product-of-subsets": 0.16001, "quotient-of-subsets": 4.938e-12, "quotient-of-sums": 4.938e-12}
"""The paper's thresholds for U[2, 6], of 100 inputs; the last is its division threshold for the small task too."""


def threshold(operation: str, intervals: Sequence[Interval], inputs: int = 2, epsilon: float = EPSILON) -> float:
    """The mean square error of the epsilon-perfect model, on inputs drawn uniformly from the intervals."""
    first, second, inverse = (_mean(f, intervals) for f in (_magnitude, _square, _inverse_square))
    if operation in COMPARING:
        return CRITERION
    if operation in ("add", "subtract"):
        return epsilon**2 * (inputs * second + inputs * (inputs - 1) * first**2)
    if operation in _STATED:
        return _STATED[operation]
    if operation == "product-of-sums":
        return _product_of_sums(intervals, epsilon)
    fourth = _mean(_fourth_power, intervals)
    relevant: int
    size: float
    factor: float
    relevant, size, factor = {
        "multiply": (2, second**2, (1 - epsilon) ** 2),
        "divide": (2, second * inverse, (1 - epsilon) / (1 + epsilon)),
        "square": (1, fourth, (1 - epsilon) ** 2),
        "square-root": (1, first, (1 - epsilon) ** 0.5),
        "reciprocal": (1, inverse, 1 / (1 + epsilon)),
    }[operation]
    irrelevant = inputs - relevant if operation in ("multiply", "divide") else 0
    once = (1 - epsilon * first) ** irrelevant
    twice = (1 - 2 * epsilon * first + epsilon**2 * second) ** irrelevant
    return size * (factor**2 * twice - 2 * factor * once + 1)


def _mean(antiderivative: Callable[[float], float], intervals: Sequence[Interval]) -> float:
    """Mean of a function over the intervals, each equally likely, from its antiderivative."""
    return sum((antiderivative(high) - antiderivative(low)) / (high - low) for low, high in intervals) / len(intervals)


def _magnitude(x: float) -> float:
    return x * abs(x) / 2


def _square(x: float) -> float:
    return x**3 / 3


def _fourth_power(x: float) -> float:
    return x**5 / 5


def _inverse_square(x: float) -> float:
    return -1 / x


def _product_of_sums(intervals: Sequence[Interval], epsilon: float) -> float:
    """For ``A (A + B)`` with ``A = a + b`` and ``B = c + d``: the model takes ``A + epsilon (B - A)`` for A.

    It takes ``(1 - epsilon) (A + B)`` for the other sum, so that its error is ``(A + B) (u A + v B)``.
    """
    mean, square, cube, fourth = (
        _mean(lambda x, n=n: x ** (n + 1) / (n + 1), intervals)  # type: ignore[misc]
        for n in (1, 2, 3, 4)
    )
    s1, s2 = 2 * mean, 2 * square + 2 * mean**2  # moments of a sum of two
    s3, s4 = 2 * cube + 6 * square * mean, 2 * fourth + 8 * cube * mean + 6 * square**2
    u, v = (1 - epsilon) ** 2 - 1, (1 - epsilon) * epsilon
    moments = {(4, 0): s4, (3, 1): s3 * s1, (2, 2): s2**2, (1, 3): s1 * s3, (0, 4): s4}
    terms = {  # (A + B)^2 (u A + v B)^2
        (4, 0): u**2,
        (3, 1): 2 * u * v + 2 * u**2,
        (2, 2): v**2 + 4 * u * v + u**2,
        (1, 3): 2 * v**2 + 2 * u * v,
        (0, 4): v**2,
    }
    return sum(terms[power] * moments[power] for power in terms)
