"""Random quotients as textbooks have them, beside columns that do not matter.

Weighted means, couplings, parallel resistances, quotients of sums of products, squared distances below the line, and
powers beyond 2. Of five to eight columns one to four do not matter; of distances there are six to nine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.laws.generate import (
    MATTERS,
    POINTS,
    ROWS,
    Case,
    Domain,
    RandomLaw,
    Term,
    constant,
    distinct,
    proportional,
    regular_rows,
)

NAMES = ("a", "b", "c", "d", "e", "f", "g", "h", "k")
SMALL_TERMS = 0.005
"""Share of its sum that the smallest term of an unequal law has, at least, in the median row."""


@dataclass(frozen=True)
class _Draw:
    """What a law is drawn from: places of columns that may matter, in random order, of so many columns in all."""

    random: np.random.Generator
    places: list[int]
    columns: int

    def term(self, powers: dict[int, int], size: float = 1.0) -> Term:
        """A product of powers of the columns at some of the drawn places."""
        exponents = [0.0] * self.columns
        for number, power in powers.items():
            exponents[self.places[number]] = float(power)
        return Term(size, tuple(exponents), NAMES[: self.columns])

    def constant(self) -> float:
        """Half of the time 1."""
        return constant(self.random, one=True)

    def product(self, columns: int, largest: int) -> Term:
        """Of one to three of the first columns, with powers that are mostly 1."""
        count = int(self.random.integers(1, min(3, columns) + 1))
        powers = self.random.choice([1, 1, *range(1, largest + 1)], count)
        chosen = self.random.choice(columns, count, replace=False)
        return self.term(dict(zip(chosen.tolist(), powers.tolist(), strict=True)), self.constant())


def _weighted_mean(draw: _Draw) -> RandomLaw:
    count = int(draw.random.integers(2, 4)) if len(draw.places) >= 6 else 2
    above = tuple(draw.term({2 * i: 1, 2 * i + 1: 1}) for i in range(count))
    return RandomLaw(above, tuple(draw.term({2 * i: 1}) for i in range(count)))


def _coupling(draw: _Draw) -> RandomLaw:
    """Velocities that add up below a limit: a column, or a constant."""
    limit = draw.term({0: 1, 1: 1, 2: -2}) if draw.random.random() < 0.6 else draw.term({0: 1, 1: 1}, draw.constant())
    return RandomLaw((draw.term({0: 1}), draw.term({1: 1})), (draw.term({}), limit))


def _parallel(draw: _Draw) -> RandomLaw:
    """Two or three in parallel, as lenses and resistances are."""
    if draw.random.random() < 0.5:
        return RandomLaw((draw.term({0: 1, 1: 1}, draw.constant()),), (draw.term({0: 1}), draw.term({1: 1})))
    pairs = ({0: 1, 1: 1}, {1: 1, 2: 1}, {0: 1, 2: 1})
    return RandomLaw((draw.term({0: 1, 1: 1, 2: 1}),), tuple(map(draw.term, pairs)))


def _saturation(draw: _Draw) -> RandomLaw:
    below = draw.term({2: 1, 3: 1}, draw.constant()), draw.term({4: 1} if len(draw.places) > 4 else {})
    return RandomLaw((draw.term({0: 1, 1: 1}, draw.constant()),), below)


def _sums(above: int, below: int) -> Callable[[_Draw], RandomLaw]:
    """So many products over so many."""

    def drawn(draw: _Draw) -> RandomLaw:
        columns = len(draw.places)
        upper = tuple(draw.product(columns, 3) for _ in range(above))
        return RandomLaw(upper, tuple(draw.product(columns, 2) for _ in range(below)))

    return drawn


def _distance(draw: _Draw) -> RandomLaw:
    """Over a squared distance in two dimensions, or three, multiplied out."""
    below = []
    for first in (2, 4, 6) if len(draw.places) >= 8 else (2, 4):
        below += [draw.term({first: 2}), draw.term({first: 1, first + 1: 1}, -2.0), draw.term({first + 1: 2})]
    return RandomLaw((draw.term({0: 1, 1: 1}, draw.constant()),), tuple(below))


def _powers(draw: _Draw) -> RandomLaw:
    """A power of 3 or 4, beside a product."""
    first = draw.term({0: int(draw.random.integers(3, 5))}, draw.constant())
    below = (draw.term({3: 1}),) if draw.random.random() < 0.5 else ()
    return RandomLaw((first, draw.term({1: 1, 2: 1}, draw.constant())), below)


LAWS: Sequence[Callable[[_Draw], RandomLaw]] = (
    _weighted_mean,
    _coupling,
    _parallel,
    _saturation,
    _sums(2, 2),
    _sums(3, 2),
    _sums(2, 3),
    _sums(2, 2),
    _distance,
    _powers,
)


def hard_quotient_case(random: np.random.Generator) -> Case:
    """One of ``LAWS``, one in four with terms of very different size."""
    kind = LAWS[int(random.integers(len(LAWS)))]
    least = SMALL_TERMS if random.random() < 0.25 else MATTERS
    while True:
        columns = int(random.integers(6, 10) if kind is _distance else random.integers(5, 9))
        domain = Domain(random, columns)
        matter = int(random.integers(6, columns + 1) if kind is _distance else random.integers(4, columns))
        law = kind(_Draw(random, random.permutation(columns)[:matter].tolist(), columns))
        few_unused = columns - len(_used(law)) <= 4
        if few_unused and _is_sound(law) and law.balanced(domain.inside(ROWS), least):
            inputs, outside = regular_rows(law, domain.inside, ROWS), regular_rows(law, domain.outside, POINTS)
            if len(inputs) == ROWS and len(outside) == POINTS:
                return Case(law, inputs, law(inputs)[:, None], outside, columns=NAMES[:columns])


def _used(law: RandomLaw) -> set[int]:
    """Places of the columns that matter."""
    return {place for term in (*law.numerator, *law.denominator) for place in term.places}


def _is_sound(law: RandomLaw) -> bool:
    """Whether no term is there twice, and the quotient is no product in disguise."""
    return distinct(law.numerator) and distinct(law.denominator) and not proportional(law)
