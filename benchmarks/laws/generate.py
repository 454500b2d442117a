"""Random laws, and tables that follow them: products of powers, sums of products, quotients of sums."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from models.arrays import BoolArray, FloatArray

COLUMNS = ("a", "b", "c", "d", "e")
ROWS = 1000
POINTS = 1000
NOISE = 0.03
"""Relative standard deviation of the noisy laws' errors."""
PLAIN_CONSTANTS = (0.5, 9.81, 2.0, 3.0, 0.25)
CANCELLED = 0.05
"""Rows whose sums are below this share of the sum of their absolute terms are left out: near a pole or a zero."""
MATTERS = 0.05
"""Every term has at least this share of its sum, in the median row."""


@dataclass(frozen=True)
class Term:
    """``constant * prod_i x_i ** exponents[i]``."""

    constant: float
    exponents: tuple[float, ...]
    names: tuple[str, ...] = COLUMNS

    @property
    def places(self) -> tuple[int, ...]:
        """Of its columns."""
        return tuple(i for i, exponent in enumerate(self.exponents) if exponent)

    def __call__(self, inputs: FloatArray) -> FloatArray:
        used = list(self.places)
        return np.asarray(self.constant * (inputs[:, used] ** np.array(self.exponents)[used]).prod(1))

    def __str__(self) -> str:
        powers = [
            name if exponent == 1 else f"{name}**{exponent:g}" if exponent > 0 else f"{name}**({exponent:g})"
            for name, exponent in zip(self.names, self.exponents, strict=True)
            if exponent
        ]
        return "*".join(powers if self.constant == 1 and powers else [f"{self.constant:g}", *powers])


@dataclass(frozen=True)
class RandomLaw:
    """A sum of terms over another; without a denominator, the sum."""

    numerator: tuple[Term, ...]
    denominator: tuple[Term, ...] = ()

    def __call__(self, inputs: FloatArray) -> FloatArray:
        above, below = (np.sum([term(inputs) for term in terms], 0) for terms in (self.numerator, self.denominator))
        return np.asarray(above / below if self.denominator else above)

    def __str__(self) -> str:
        above, below = (
            " + ".join(map(str, terms)).replace("+ -", "- ") for terms in (self.numerator, self.denominator)
        )
        return f"({above})/({below})" if self.denominator else above

    def regular(self, inputs: FloatArray) -> BoolArray:
        """Rows at which neither sum nearly cancels."""
        kept = np.ones(len(inputs), dtype=np.bool_)
        for terms in (self.numerator, self.denominator):
            if terms:
                values = np.array([term(inputs) for term in terms])
                kept &= np.abs(values.sum(0)) >= CANCELLED * np.abs(values).sum(0)
        return kept

    def balanced(self, inputs: FloatArray, least: float = MATTERS) -> bool:
        """Whether every term has at least this share of its sum, in the median row."""
        return all(_shares(terms, inputs).min() >= least for terms in (self.numerator, self.denominator) if terms)


class KnownLaw(Protocol):
    """A function of a table's columns; as text it is a formula."""

    def __call__(self, inputs: FloatArray) -> FloatArray:
        """Values, ``(rows,)``."""

    def regular(self, inputs: FloatArray) -> BoolArray:
        """Rows at which a relative error tells a right formula from a wrong one."""


@dataclass(frozen=True)
class Case:
    """A law, a table that follows it, and points outside the table's range."""

    law: KnownLaw
    inputs: FloatArray
    target: FloatArray
    outside: FloatArray
    noisy: bool = False
    columns: tuple[str, ...] = COLUMNS


def product_case(random: np.random.Generator, *, noisy: bool = False) -> Case:
    """A constant and powers of one to four of five columns: halves from -2 to 2, whole ones where signs are mixed."""
    domain = Domain(random)
    law = RandomLaw((_term(random, domain, int(random.integers(1, 5)), halves=True),))
    inputs = domain.inside(ROWS)
    target = law(inputs) * (1 + NOISE * random.standard_normal(ROWS) if noisy else 1)
    return Case(law, inputs, target[:, None], domain.outside(POINTS), noisy)


def noisy_case(random: np.random.Generator) -> Case:
    """A product, with errors of 3 % of each value."""
    return product_case(random, noisy=True)


def sum_case(random: np.random.Generator) -> Case:
    """Two or three terms, each like the law of ``product_case``, of up to three columns."""
    while True:
        domain = Domain(random)
        count = int(random.integers(2, 4))
        law = RandomLaw(tuple(_term(random, domain, int(random.integers(1, 4)), halves=True) for _ in range(count)))
        if distinct(law.numerator) and law.balanced(domain.inside(ROWS)):
            inputs = domain.inside(ROWS)
            return Case(law, inputs, law(inputs)[:, None], regular_rows(law, domain.outside, POINTS))


def quotient_case(random: np.random.Generator) -> Case:
    """One or two terms over two, each of one or two columns to whole powers, as in ``(a*b + c)/(d + e)``."""
    while True:
        domain = Domain(random)
        above, below = (
            tuple(_term(random, domain, int(random.integers(1, 3)), halves=False) for _ in range(count))
            for count in (int(random.integers(1, 3)), 2)
        )
        law = RandomLaw(above, below)
        if distinct(above) and distinct(below) and not proportional(law) and law.balanced(domain.inside(ROWS)):
            inputs = regular_rows(law, domain.inside, ROWS)
            return Case(law, inputs, law(inputs)[:, None], regular_rows(law, domain.outside, POINTS))


CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    "products": product_case,
    "noisy": noisy_case,
    "sums": sum_case,
    "quotients": quotient_case,
}


class Domain:
    """Where the columns lie: each has a size from 0.1 to 100, and is positive or, half of them, of both signs."""

    def __init__(self, random: np.random.Generator, columns: int = len(COLUMNS)) -> None:
        self.random = random
        self.size = 10 ** random.uniform(-1, 2, columns)
        self.positive = random.random(columns) < 0.5

    def inside(self, rows: int) -> FloatArray:
        return self._signed(self.random.uniform(0, 1, (rows, len(self.size))))

    def outside(self, rows: int) -> FloatArray:
        """Beyond the range of every column, up to ten times as far."""
        return self._signed(self.random.uniform(1, 10, (rows, len(self.size))))

    def _signed(self, share: FloatArray) -> FloatArray:
        """Shares of each column's size; a positive column keeps a distance from 0."""
        signs = self.random.choice([-1.0, 1.0], share.shape)
        return self.size * np.where(self.positive, np.maximum(share, 0.1 + 0.9 * share), signs * share)


def _term(random: np.random.Generator, domain: Domain, columns: int, *, halves: bool) -> Term:
    exponents = np.zeros(len(COLUMNS))
    for i in random.choice(len(COLUMNS), columns, replace=False):
        if halves:
            steps = [-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2] if domain.positive[i] else [-2, -1, 1, 2]
        else:
            steps = [1, 1, 2]
        exponents[i] = random.choice(steps)
    return Term(constant(random, one=not halves), tuple(map(float, exponents)))


def constant(random: np.random.Generator, *, one: bool) -> float:
    """A plain number or one of three digits, one in four negative; with ``one``, half of them are 1."""
    if one and random.random() < 0.5:
        return 1.0
    size = random.choice(PLAIN_CONSTANTS) if random.random() < 0.5 else random.integers(100, 1000) / 100
    return float(size * random.choice([-1, 1, 1, 1]))


def _shares(terms: tuple[Term, ...], inputs: FloatArray) -> FloatArray:
    values = np.abs([term(inputs) for term in terms])
    return np.asarray(np.median(values / values.sum(0), axis=1))


def distinct(terms: tuple[Term, ...]) -> bool:
    """Whether no two are equal but for their constants."""
    return len({term.exponents for term in terms}) == len(terms)


def proportional(law: RandomLaw) -> bool:
    """Whether the quotient is a product in disguise."""
    exponents = [np.array(sorted(term.exponents for term in terms)) for terms in (law.numerator, law.denominator)]
    return len(exponents[0]) == len(exponents[1]) and bool(np.ptp(exponents[0] - exponents[1], axis=0).max() == 0)


def regular_rows(law: RandomLaw, sample: Callable[[int], FloatArray], rows: int) -> FloatArray:
    """Rows of a sample at which neither sum of a law nearly cancels, as many as that, ``(rows, columns)``."""
    drawn = sample(20 * rows)
    return drawn[law.regular(drawn)][:rows]
