"""Truths of a code: the first column, or the first two, are whole numbers that stand for something."""

from collections.abc import Callable

import numpy as np
from scipy import special

from benchmarks.laws.lawless.case import Function
from models.arrays import FloatArray

MOST_CODES = 64
Maker = Callable[[np.random.Generator], Function]


def _by_code(inputs: FloatArray, table: FloatArray, column: int = 0) -> FloatArray:
    return np.asarray(table[inputs[:, column].astype(np.int64) % MOST_CODES])


def whole_prices(random: np.random.Generator) -> Function:
    """A whole price of each code, times a quantity."""
    prices = random.integers(1, 100, MOST_CODES).astype(np.float64)
    return lambda x: _by_code(x, prices) * x[:, 1]


def decimal_prices(random: np.random.Generator) -> Function:
    """A price of two decimals."""
    prices = np.round(random.uniform(1, 20, MOST_CODES), 2)
    return lambda x: _by_code(x, prices) * x[:, 1]


def rising_prices(random: np.random.Generator) -> Function:
    """A price that rises from code to code by a random factor, over a quantity."""
    prices = np.exp(np.cumsum(random.uniform(0.1, 0.8, MOST_CODES)))
    return lambda x: _by_code(x, prices) / x[:, 1]


def fees(random: np.random.Generator) -> Function:
    """A fee of each code on top of a law."""
    table = np.round(random.uniform(1, 9, MOST_CODES), 1)
    return lambda x: _by_code(x, table) + 2 * x[:, 1]


def rates_and_fees(random: np.random.Generator) -> Function:
    """A rate and a fee of each code."""
    rates, table = random.uniform(1, 9, (2, MOST_CODES))
    return lambda x: _by_code(x, table) + _by_code(x, rates) * x[:, 1]


def two_codes(random: np.random.Generator) -> Function:
    """A price of each pair of codes."""
    prices = random.uniform(1, 9, (MOST_CODES, MOST_CODES))
    return lambda x: prices[x[:, 0].astype(np.int64), x[:, 1].astype(np.int64)] * x[:, 2]


def _of_code(function: Callable[[FloatArray], FloatArray]) -> Maker:
    return lambda _: lambda x: function(x[:, 0]) * x[:, 1]


CODES: dict[str, Maker] = {
    "whole price of a code": whole_prices,
    "decimal price of a code": decimal_prices,
    "rising price of a code": rising_prices,
    "fee of a code": fees,
    "rate and fee of a code": rates_and_fees,
    "sin of a code": _of_code(lambda c: np.sin(c) + 2),
    "exp of a code": _of_code(lambda c: np.exp(c / 3)),
    "1.07 to the power of a code": _of_code(lambda c: 1.07**c),
    "factorial of a code": _of_code(lambda c: special.gamma(c + 1)),
    "tanh of a code": _of_code(lambda c: np.tanh(c / 3)),
}
"""Of a code and a quantity."""
TWO_CODES: dict[str, Maker] = {"price of two codes": two_codes}
"""Of two codes and a quantity."""
