from itertools import combinations

import numpy as np
import pytest

from training.symbolic.term_exchange import Dictionary, exchange_terms, powers

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
    found = min(
        exchange_terms(dictionary, target, terms, 0, np.random.default_rng(0), weight=0.0), key=lambda run: run[0]
    )
    assert found[0] == pytest.approx(least, rel=1e-4)
    assert error(tuple(found[1])) == pytest.approx(least, rel=1e-4)


def test_a_quotient_is_found_term_by_term() -> None:
    inputs = np.random.default_rng(0).uniform(1, 5, (150, 3))
    a, b, c = inputs.T
    runs = exchange_terms(Dictionary.of(inputs), a * b / (a + 2 * c**2), 1, 2, np.random.default_rng(0), weight=1.0)
    assert min(error for error, _ in runs) < 1e-5


def test_powers_are_signed_products() -> None:
    exponents = np.array([[1.0, 0], [2, -1], [-1, 1], [0, 0], [0, -2]])
    expected = np.stack([(WIDE**row).prod(1) for row in exponents], 1)
    np.testing.assert_allclose(powers(WIDE, exponents), expected)


def test_a_dictionary_holds_every_whole_product_and_half_powers_of_positive_columns_only() -> None:
    mixed = Dictionary.of(WIDE).exponents
    assert {tuple(row) for row in mixed} == {(i, j) for i in range(-2, 3) for j in range(-2, 3)}
    positive = Dictionary.of(np.abs(WIDE)).exponents
    assert {tuple(row) for row in positive} == {(i / 2, j / 2) for i in range(-4, 5) for j in range(-4, 5)}


def test_a_dictionary_of_many_columns_keeps_to_its_size() -> None:
    inputs = np.random.default_rng(0).uniform(1, 2, (10, 40))
    dictionary = Dictionary.of(inputs, largest=500)
    assert dictionary.values.shape == (10, len(dictionary.exponents))
    assert len(dictionary.exponents) == 1 + 40 * 8
    np.testing.assert_allclose(np.sqrt(np.mean(dictionary.values.astype(float) ** 2, 0)), 1, rtol=1e-5)


def test_the_seed_decides_the_search() -> None:
    def choices(seed: int) -> list[list[int]]:
        random = np.random.default_rng(seed)
        return [
            list(choice) for _, choice in exchange_terms(Dictionary.of(WIDE), WIDE[:, 0] + 1, 2, 0, random, sweeps=3)
        ]

    assert choices(0) == choices(0)
