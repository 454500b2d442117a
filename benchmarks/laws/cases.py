"""All kinds of random laws."""

from collections.abc import Callable

import numpy as np

from benchmarks.laws import generate
from benchmarks.laws.generate import Case
from benchmarks.laws.hard_quotients import hard_quotient_case
from benchmarks.laws.noisy_laws import NOISY_CASES
from benchmarks.laws.unary_laws import UNARY_CASES

CASES: dict[str, Callable[[np.random.Generator], Case]] = {
    **generate.CASES,
    "hard-quotients": hard_quotient_case,
    **UNARY_CASES,
    **NOISY_CASES,
}
