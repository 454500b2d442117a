"""Laws with 1 % noise: short ones in 20, 40 and 80 rows, and random sums and quotients in 1,000."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from benchmarks.laws.generate import POINTS, Case, RandomLaw, Term, product_case, quotient_case, sum_case

NOISE = 0.01
NAMES = ("a", "b", "c")
LOW, HIGH, FARTHEST = 1.0, 10.0, 100.0
SHORT_LAWS = (
    RandomLaw((Term(1.0, (1.0, 1.0, 0.0), NAMES),)),
    RandomLaw((Term(1.0, (1.0, -1.0, 0.0), NAMES),)),
    RandomLaw((Term(0.5, (1.0, 2.0, 0.0), NAMES),)),
    RandomLaw((Term(1.0, (0.5, 0.0, 0.0), NAMES),)),
    RandomLaw((Term(2.0, (1.0, 0.0, 0.0), NAMES), Term(3.0, (0.0, 1.0, 0.0), NAMES))),
    RandomLaw((Term(1.0, (1.0, 1.0, -1.0), NAMES),)),
)
"""``a*b``, ``a/b``, ``0.5*a*b**2``, ``sqrt(a)``, ``2*a + 3*b`` and ``a*b/c``, each in turn."""


def short_case(random: np.random.Generator, *, rows: int) -> Case:
    """One of the short laws in three columns of numbers from 1 to 10."""
    law = SHORT_LAWS[int(random.integers(len(SHORT_LAWS)))]
    inputs, outside = random.uniform(LOW, HIGH, (rows, 3)), random.uniform(HIGH, FARTHEST, (POINTS, 3))
    return _noisy(Case(law, inputs, law(inputs)[:, None], outside, columns=NAMES), random)


def _noisy(case: Case, random: np.random.Generator) -> Case:
    """The same case with errors of 1 % of each value."""
    noise = NOISE * random.standard_normal(case.target.shape)
    return replace(case, target=case.target * (1 + noise), noisy=True)


def _with_noise(make: Callable[[np.random.Generator], Case]) -> Callable[[np.random.Generator], Case]:
    return lambda random: _noisy(make(random), random)


NOISY_CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    **{f"small-{rows}": partial(short_case, rows=rows) for rows in (20, 40, 80)},
    "noisy-products": _with_noise(product_case),
    "noisy-sums": _with_noise(sum_case),
    "noisy-quotients": _with_noise(quotient_case),
}
