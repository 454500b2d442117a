from itertools import islice

import numpy as np
import pytest

from training.metrics import relative_rmse
from training.symbolic.candidate import Candidate
from training.symbolic.constants import fit_constants
from training.symbolic.rational import rational_candidates, simplest

RANDOM = np.random.default_rng(0)
POSITIVE = RANDOM.uniform(1, 6, (200, 3))
MIXED = RANDOM.uniform(-4, 4, (200, 3))


def first_exact(inputs: np.ndarray, target: np.ndarray, runs: int = 16) -> Candidate:
    for candidate in islice(rational_candidates(inputs, target, np.random.default_rng(0)), runs):
        for fitted in fit_constants(candidate, inputs, target):
            if relative_rmse(fitted.predict(inputs), target) < 1e-9:
                return fitted
    raise AssertionError("no run found the law")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "law"),
    [
        (MIXED, lambda a, b, c: a * b + 2 * c**2),
        (MIXED, lambda a, b, c: a**2 - 3 * b * c + 5),
        (MIXED, lambda a, b, c: a / b - 0.5 * c),
        (POSITIVE, lambda a, b, c: np.sqrt(a) * b + 3 / c),
        (POSITIVE, lambda a, b, c: np.hypot(a, b)),
        (MIXED, lambda a, b, c: np.hypot(a, b)),
        (POSITIVE, lambda a, b, c: 1 / (1 / a + 1 / b)),
        (POSITIVE, lambda a, b, c: a * b / (a + c**2)),
        (POSITIVE, lambda a, b, c: -a * b - c),
        (-POSITIVE, lambda a, b, c: a * b - c**2),
    ],
)
def test_sums_and_quotients_of_products_hold_far_outside(inputs: np.ndarray, law) -> None:  # type: ignore[no-untyped-def]
    fitted = first_exact(inputs, law(*inputs.T))
    far = inputs * 50
    np.testing.assert_allclose(fitted.predict(far), law(*far.T), rtol=1e-9)


def test_rows_with_zeros_are_left_out_of_the_search_and_the_law_holds_there_too() -> None:
    inputs = RANDOM.integers(-3, 4, (300, 3)).astype(np.float64)
    target = inputs[:, 0] * inputs[:, 1] + inputs[:, 2] ** 2
    np.testing.assert_allclose(first_exact(inputs, target).predict(inputs), target, atol=1e-12)


def test_rows_that_repeat_others_are_too_few() -> None:
    inputs = np.repeat(POSITIVE[:10], 20, axis=0)
    assert list(rational_candidates(inputs, inputs[:, 0] + inputs[:, 1] ** 2, np.random.default_rng(0))) == []


def test_the_simplest_way_to_write_a_quotient_is_the_same_quotient() -> None:
    exponents = np.array([[2.0, 1, -1], [1, 1, 0], [1, -1, -1]])
    short = simplest(exponents)
    assert np.count_nonzero(short) < np.count_nonzero(exponents)
    above, below, other = (np.exp(np.log(POSITIVE) @ rows.T).T for rows in (exponents, short, exponents - short))
    np.testing.assert_allclose((above[0] + above[1]) / above[2], (below[0] + below[1]) / below[2])
    assert np.ptp(other, axis=0) == pytest.approx(0)
