"""Tables that hold no law of the dictionary, each with the truth beyond its range."""

import numpy as np

from benchmarks.laws.lawless.broken import BROKEN, CHANCE
from benchmarks.laws.lawless.case import Codes, Column, LawlessCase, Range
from benchmarks.laws.lawless.codes import CODES, TWO_CODES
from benchmarks.laws.lawless.smooth import SMOOTH

__all__ = ["KINDS", "LawlessCase", "lawless_case"]

KINDS = {**CODES, **TWO_CODES, **SMOOTH, **BROKEN, **CHANCE}
"""All kinds of truths, by name; table ``n`` of a benchmark is of kind ``n % len(KINDS)``."""
ROWS = (20, 40, 80, 200, 800, 2000)
NOISES = (0.0, 0.0, 0.001, 0.002, 0.01, 0.05)
WIDE, NARROW = Range(1, 10), Range(2.0, 2.6)
MOST_LEVELS = 6


def lawless_case(seed: int, number: int) -> LawlessCase:
    """One table: its kind by its number; rows, noise, range and levels drawn."""
    kind = list(KINDS)[number % len(KINDS)]
    random = np.random.default_rng([seed, number])
    rows, noise = int(random.choice(ROWS)), float(random.choice(NOISES))
    function = KINDS[kind](random)
    return LawlessCase.drawn(kind, function, _columns(kind, random), rows, noise, random, known=kind not in CHANCE)


def _columns(kind: str, random: np.random.Generator) -> list[Column]:
    """Two columns, the first of codes where the truth is of one; three for two codes."""
    if kind in CODES:
        return [_codes(random), WIDE]
    if kind in TWO_CODES:
        return [_codes(random), _codes(random), WIDE]
    return [NARROW, WIDE] if kind in SMOOTH and random.random() < 0.4 else [WIDE, WIDE]


def _codes(random: np.random.Generator) -> Codes:
    return Codes(int(random.integers(0, 2)), int(random.integers(2, MOST_LEVELS + 1)))
