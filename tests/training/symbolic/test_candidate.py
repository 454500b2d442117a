import numpy as np
import pytest
import torch

from training.symbolic.candidate import Candidate, description_length, signs_of

X = np.random.default_rng(0).uniform(-5, 5, (100, 3))
QUOTIENT = Candidate(
    exponents=np.array([[1.0, 0, 0], [0, 2, 0.5], [0, 0, 0]]),
    signs=np.array([[-1.0, 1, 1], [1, 1, 1], [1, 1, 1]]),
    constants=np.array([2.0, 1.0, -7.0]),
    sum_index=np.array([0, 1, 1]),
    sum_exponents=np.array([1.0, -2.0]),
)


def test_a_candidate_its_formula_and_its_network_say_the_same() -> None:
    a, b, c = X.T
    expected = 2 * a / (b**2 * np.sqrt(np.abs(c)) - 7) ** 2
    np.testing.assert_allclose(QUOTIENT.predict(X), expected, rtol=1e-12)
    with torch.no_grad():
        np.testing.assert_allclose(QUOTIENT.network()(torch.from_numpy(X)).numpy()[:, 0], expected, rtol=1e-12)


def test_complexity_counts_what_is_written_down() -> None:
    # 2 and -7; the exponents 1, 2 and 1/2; the power -2; and one for being there
    assert QUOTIENT.complexity == 2 + 3 + 1 + 1


def test_signs_are_parities_and_unknown_where_a_root_never_saw_a_negative() -> None:
    inputs = np.array([[1.0, -1.0], [2.0, 3.0]])
    signs = signs_of(np.array([[1.0, 3], [2, 0], [0.5, 0.5], [-1, -2]]), inputs)
    np.testing.assert_array_equal(signs, [[-1, -1], [1, 1], [np.nan, 1], [-1, 1]])


def test_on_a_wider_table_the_other_columns_do_not_matter() -> None:
    wide = np.column_stack([np.zeros(100), X[:, :2], np.full(100, -3.0), X[:, 2:]])
    widened = QUOTIENT.widened(np.array([False, True, True, False, True]))
    np.testing.assert_array_equal(widened.predict(wide), QUOTIENT.predict(X))


def test_of_two_equal_fits_the_simpler_is_described_in_less() -> None:
    target = X[:, 0]
    assert description_length(target, target, 2) < description_length(target * (1 + 1e-15), target, 3)


def test_a_number_is_worth_its_place_if_it_explains_what_noise_does_not() -> None:
    random = np.random.default_rng(0)
    noise = 0.1 * random.normal(size=100)
    flat = description_length(np.full(100, 7.0), 7 + noise, 1)
    assert flat < description_length(7 + 1e-3 * X[:, 0], 7 + noise, 3)
    assert description_length(7 + X[:, 0], 7 + X[:, 0] + noise, 3) < description_length(
        np.full(100, 7.0), 7 + X[:, 0] + noise, 1
    )


def test_errors_of_one_size_are_measured_by_the_bayesian_criterion() -> None:
    noise = np.random.default_rng(1).normal(size=100)
    centred = np.linspace(-1, 1, 100)
    lengths = [description_length(centred, centred + size * noise, 2) for size in (0.1, 0.2)]
    assert lengths[1] - lengths[0] == pytest.approx(100 * np.log(4))


def test_errors_in_proportion_count_no_more_where_the_target_is_large() -> None:
    size = np.geomspace(1, 1e6, 100)
    noise = 0.03 * np.random.default_rng(1).normal(size=100)
    proportional = description_length(size, size * (1 + noise), 2)
    # the likelihood of proportional errors, up to a constant: N ln(mean squared ratio) + sum ln size^2
    assert proportional == pytest.approx(100 * np.log(np.mean(noise**2)) + 2 * np.log(size).sum() + 2 * np.log(100))


def test_what_is_not_finite_is_described_in_no_length() -> None:
    assert description_length(np.array([np.nan, 1.0]), np.array([1.0, 1.0]), 1) == np.inf
