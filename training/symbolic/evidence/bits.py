"""Bits that numbers take to write: how much of a fit may be the choice of its numbers.

Minimum description length (Rissanen 1978): a formula explains rows only as far as they hold more information than it
takes to write the formula.
"""

import math
from collections.abc import Iterable
from fractions import Fraction

from training.symbolic.candidate import Candidate

LARGEST_DENOMINATOR = 12
DIGITS = 15
"""Significant digits that a float64 number has."""
SIGN = 1.0
FUNCTION = 3.5
"""Bits to choose one of eleven functions."""


def number_bits(value: float, precision: float) -> float:
    """Bits to write a number, no more than it takes to a relative precision: 1 for 1 and -1, else by its digits.

    Args:
        value: finite.
        precision: relative, above 0; more digits tell nothing.
    """
    if abs(value) == 1 or value == 0:
        return SIGN
    most = max(0.0, -math.log2(precision)) + SIGN
    return min(most, _digits(value) * math.log2(10) + SIGN, _fraction_bits(value), _fraction_bits(value / math.pi) + 1)


def one_digit_bits() -> float:
    """Bits of a number of one digit."""
    return math.log2(10) + SIGN


def exponent_bits(exponent: float) -> float:
    """Bits to choose an exponent among those that are tried: 0 for 0, 3 for 1, 2 and their inverses, else more.

    Of an exponent that is no twelfth, which is fitted, ``fitted_exponents`` gives the number.
    """
    if exponent == 0:
        return 0.0
    size = abs(exponent)
    if size in (1.0, 2.0):
        return 3.0
    return 4.0 if size * 2 == round(size * 2) else 5.5


def fitted_exponents(exponents: Iterable[float]) -> list[float]:
    """Exponents that are no twelfths: numbers like constants."""
    return [exponent for exponent in exponents if abs(exponent * 12 - round(exponent * 12)) > 1e-9]


def structure_bits(candidate: Candidate) -> float:
    """Bits of the exponents and functions of a candidate, without its constants."""
    own = sum(map(exponent_bits, candidate.exponents.ravel().tolist()))
    outer = sum(exponent_bits(power) for power in candidate.sum_exponents.tolist() if power != 1)
    return own + outer + FUNCTION * len(candidate.features) + sum(map(structure_bits, candidate.inner_laws()))


def all_exponents(candidate: Candidate) -> list[float]:
    """Exponents of a candidate, its sums and its inner laws."""
    own = [*candidate.exponents.ravel().tolist(), *candidate.sum_exponents.tolist()]
    return own + [exponent for law in candidate.inner_laws() for exponent in all_exponents(law)]


def _digits(value: float) -> int:
    """Significant digits of a number."""
    return next((count for count in range(1, DIGITS) if float(f"{value:.{count - 1}e}") == value), DIGITS)


def _fraction_bits(value: float) -> float:
    """Bits of a small fraction; infinity where the number is none."""
    near = Fraction(value).limit_denominator(LARGEST_DENOMINATOR)
    if near == 0 or abs(float(near) / value - 1) > 1e-14:
        return math.inf
    return math.log2(abs(near.numerator) * near.denominator) + 1 + SIGN
