import numpy as np

from training.symbolic.dictionary import Dictionary, monomials

RANDOM = np.random.default_rng(0)
WIDE = np.exp(RANDOM.uniform(-1, 1, (80, 2))) * RANDOM.choice([-1, 1], (80, 2))


def test_powers_are_signed_products() -> None:
    exponents = np.array([[1.0, 0], [2, -1], [-1, 1], [0, 0], [0, -2]])
    expected = np.stack([(WIDE**row).prod(1) for row in exponents], 1)
    np.testing.assert_allclose(monomials(WIDE, exponents), expected)


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
