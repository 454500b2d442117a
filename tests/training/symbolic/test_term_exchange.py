from itertools import combinations

import numpy as np
import pytest

from training.symbolic.dictionary import Dictionary
from training.symbolic.term_exchange import exchange_terms

RANDOM = np.random.default_rng(0)
WIDE = np.exp(RANDOM.uniform(-1, 1, (80, 2))) * RANDOM.choice([-1, 1], (80, 2))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("terms", [1, 2, 3])
def test_the_exchange_finds_what_trying_all_choices_finds(seed: int, terms: int) -> None:
    dictionary = Dictionary.of(WIDE)
    target = np.random.default_rng(seed).normal(size=80) + WIDE[:, 0] * WIDE[:, 1] ** 2

    def error(choice: tuple[int, ...]) -> float:
        rest = np.linalg.lstsq(dictionary.values[:, choice].astype(float), target, rcond=None)[1]
        return float(np.sqrt(rest[0] / (target @ target))) if len(rest) else np.inf

    least = min(error(choice) for choice in combinations(range(dictionary.values.shape[1]), terms))
    runs = exchange_terms(dictionary, target, np.random.default_rng(0), numerator=terms, weight=0.0)
    found = min(runs, key=lambda run: run[0])
    assert found[0] == pytest.approx(least, rel=1e-4)
    assert error(tuple(found[1])) == pytest.approx(least, rel=1e-4)


def test_a_quotient_is_found_term_by_term() -> None:
    inputs = np.random.default_rng(0).uniform(1, 5, (150, 3))
    a, b, c = inputs.T
    target = a * b / (a + 2 * c**2)
    runs = exchange_terms(Dictionary.of(inputs), target, np.random.default_rng(0), numerator=1, denominator=2)
    assert min(error for error, _ in runs) < 1e-5


def test_the_seed_decides_the_search() -> None:
    def choices(seed: int) -> list[list[int]]:
        random = np.random.default_rng(seed)
        runs = exchange_terms(Dictionary.of(WIDE), WIDE[:, 0] + 1, random, numerator=2, sweeps=3)
        return [list(choice) for _, choice in runs]

    assert choices(0) == choices(0)
