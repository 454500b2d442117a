import numpy as np
import pytest

from training.symbolic.candidate import Candidate, Feature, signs_of
from training.symbolic.constants import fit_constants
from training.symbolic.unary.build import sum_of

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(1, 10, (300, 3))
NOISE = RANDOM.normal(size=300)
A, B, C = X.T


def candidate(exponents: list[list[float]], sums: list[int], outer: list[float], start: list[float]) -> Candidate:
    W = np.array(exponents, dtype=np.float64)
    return Candidate(W, signs_of(W, X), np.array(start, dtype=np.float64), np.array(sums), np.array(outer))


def constants(start: Candidate, target: np.ndarray) -> list[list[float]]:
    return [fitted.constants.tolist() for fitted in fit_constants(start, X, target)]


PRODUCT = candidate([[1, 2, 0]], [0], [1], [1.0])
SUM = candidate([[1, 1, 0], [0, 0, 2], [0, 0, 0], [1, 0, 0], [0, 1, 1]], [0] * 5, [1], [1.0] * 5)
QUOTIENT = candidate([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]], [0, 0, 1, 1], [1, -1], [1.0] * 4)
ROOT = candidate([[2, 0, 0], [0, 2, 0], [0, 0, 1]], [0, 0, 0], [0.5], [1.0] * 3)


@pytest.mark.parametrize("value", [0.5, -2, 1 / 3, np.pi, 4 * np.pi / 3, 9.81, 6.674e-11, 1.380649e-23, np.sqrt(2)])
def test_a_constant_is_found_to_the_last_digit_that_data_hold(value: float) -> None:
    assert constants(PRODUCT, value * A * B**2) == [[pytest.approx(value, rel=1e-12)]] * 2


def test_plain_constants_are_plain_and_needless_terms_are_gone() -> None:
    found = fit_constants(SUM, X, 2 * A * B - 0.75 * C**2)[0]
    assert found.constants.tolist() == [2, -0.75]
    np.testing.assert_array_equal(found.exponents, [[1, 1, 0], [0, 0, 2]])


@pytest.mark.parametrize("seed", range(5))
def test_noise_keeps_no_needless_terms_alive(seed: int) -> None:
    noise = np.random.default_rng(seed).normal(size=300)
    assert constants(PRODUCT, 0.5 * A * B**2 * (1 + 0.03 * noise))[0] == pytest.approx([0.5], rel=0.01)
    found = fit_constants(SUM, X, (2 * A * B + C**2) * (1 + 0.01 * noise))[0]
    assert found.constants == pytest.approx([2, 1], rel=0.01)


def test_noise_seldom_keeps_a_constant_from_its_plain_number() -> None:
    noises = (np.random.default_rng(seed).normal(size=300) for seed in range(20))
    found = [constants(PRODUCT, 0.5 * A * B**2 * (1 + 0.03 * noise))[0] for noise in noises]
    assert found.count([0.5]) >= 17


def test_noise_in_proportion_does_not_bias_a_constant() -> None:
    noises = (np.random.default_rng(seed).normal(size=300) for seed in range(20))
    ratios = [constants(PRODUCT, 0.123456 * A * B**2 * (1 + 0.1 * noise))[0][0] / 0.123456 for noise in noises]
    assert np.mean(ratios) == pytest.approx(1, abs=4 * 0.1 / np.sqrt(20 * 300))


def test_what_noise_hides_is_not_made_up() -> None:
    error = abs(constants(PRODUCT, 0.123456 * A * B**2 * (1 + 0.03 * NOISE))[0][0] / 0.123456 - 1)
    assert error < 4 * 0.03 / np.sqrt(300)


def test_errors_of_one_size_and_errors_in_proportion_each_have_their_fit() -> None:
    proportional, same = constants(PRODUCT, 0.123456 * A * B**2 + 30 * NOISE)
    weights = (A * B**2) ** 2
    least = float(np.sum(weights * (0.123456 + 30 * NOISE / (A * B**2))) / weights.sum())
    assert abs(same[0] - least) <= 3 * 30 / np.sqrt(weights.sum())
    assert proportional[0] != same[0]


def test_a_quotient_is_written_with_its_plainest_common_scale() -> None:
    for fitted in fit_constants(QUOTIENT, X, (14 * A + 7 * B) / (7 * C + 21)):
        assert fitted.constants.tolist() == [2, 1, 1, 3]


def test_in_noise_the_common_scale_is_the_plainest_too() -> None:
    """``a*b / (a*c**2 + 5.38*b)``: the 5.38 was fixed at 1, and so printed as 0.186 twice."""
    start = candidate([[1, 1, 0], [0, 1, 0], [1, 0, 2]], [0, 1, 1], [1, -1], [0.2, 1.0, 0.2])
    noises = (np.random.default_rng(seed).normal(size=300) for seed in range(10))
    found = [constants(start, A * B / (A * C**2 + 5.38 * B) * (1 + 0.01 * noise))[0] for noise in noises]
    plain = [values for values in found if values[0] == values[2] == 1]
    assert len(plain) >= 8
    assert [values[1] for values in plain] == pytest.approx([5.38] * len(plain), rel=0.02)
    assert all(len(f"{values[1]:.12g}") <= 5 for values in plain)


def test_in_noise_a_factor_before_a_root_stands_inside_where_that_is_plainer() -> None:
    inside = candidate([[1, 0, 0], [0, 0, 0]], [0, 0], [0.5], [1.0, 1.0])
    start = sum_of(np.array([[0.0, 1, 0, 0], [0, 0, 0, 1]]), np.ones(2), X, (Feature("identity", (inside,)),))
    noises = (np.random.default_rng(seed).normal(size=300) for seed in range(10))
    found = [fit_constants(start, X, (B + np.sqrt(3 * A + 7)) * (1 + 0.001 * noise))[0] for noise in noises]
    values = [(law.constants.tolist(), law.features[0].arguments[0].constants.tolist()) for law in found]
    assert values.count(([1, 1], [3, 7])) >= 8


def test_constants_within_a_root_are_those_of_the_root() -> None:
    for fitted in fit_constants(ROOT, X, np.sqrt(A**2 + 4 * B**2)):
        assert fitted.constants.tolist() == [1, 4]


def test_rows_where_a_term_is_not_finite_do_not_spoil_the_others() -> None:
    inputs = np.vstack([X, [[0, 1, 1]]])
    start = candidate([[-1, 1, 0], [0, 0, 1]], [0, 0], [1], [1.0, 1.0])
    target = np.append(3 * B / A + C, 1.0)
    assert fit_constants(start, inputs, target)[0].constants.tolist() == [3, 1]


def test_too_few_rows_for_the_constants_fit_nothing() -> None:
    assert fit_constants(SUM, X[:5], A[:5]) == []
