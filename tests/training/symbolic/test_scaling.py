"""Laws of columns of extreme size, and targets that are nothing, or nearly all of one number."""

import numpy as np
import pytest

from training.symbolic import find_law
from training.symbolic.candidate import Candidate
from training.symbolic.scaling import Scaling

X = np.random.default_rng(0).uniform(1, 10, (100, 2))
A, B = X.T


def law(inputs: np.ndarray, target: np.ndarray) -> str | None:
    return find_law(inputs, target[:, None], columns=["a", "b"], rounds=0).formula


@pytest.mark.parametrize("size", [1e300, 1e200, 1e-160, 1e-200, 1e-300])
def test_a_law_is_found_at_every_size_of_target_and_columns(size: float) -> None:
    half = f"{5 * size / 10:.1e}"
    assert law(X, 0.5 * size * A * B**2) == f"{half} * a * b**2"
    assert law(X * size, 2 * size * A + size * B) == "2 * a + b"
    assert law(X * size, 3 * np.sqrt(size * A)) == "3 * sqrt(a)"
    assert law(X * [size, 1 / size], A * B) == "a * b"


@pytest.mark.parametrize("size", [1e200, 1e-200])
def test_the_sums_of_a_quotient_share_no_superfluous_power_of_ten(size: float) -> None:
    found = find_law(X * size, (A / (A + B))[:, None], columns=["a", "b"], rounds=1)
    assert found.formula == "a / (a + b)"


def test_a_law_whose_steps_leave_float64_is_a_value_error() -> None:
    with pytest.raises(
        ValueError, match=r"^the best candidate overflows or vanishes .* 9\.9\d*e\+200 .* so scale the co"
    ):
        law(X * 1e200, A**2)


@pytest.mark.parametrize("value", [0.0, -0.0, 7.0, 1e-200, 1e-310, 1e200])
def test_a_target_of_one_value_is_that_value(value: float) -> None:
    found = find_law(X, np.full((100, 1), value), rounds=0)
    assert found.reason is None
    assert float(found.formula or "nan") == pytest.approx(value, rel=1e-12)


def test_two_rows_of_zeros_are_no_law() -> None:
    reason = "2 different rows are too few to tell a law from chance"
    assert find_law(X[:2], np.zeros((2, 1))).reason == reason


@pytest.mark.parametrize("offset", [1e12, 1e15])
def test_what_varies_beside_a_large_number_is_no_rounding(offset: float) -> None:
    found = law(X, offset + A)
    assert found is None or "a" in found


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("size", [1.0, 1e12])
def test_rows_of_target_0_are_no_evidence_against_a_law(share: float, size: float) -> None:
    zeros = int(100 * share)
    off, level = X.copy(), X.copy()
    off[:zeros, 0], level[:zeros, 0] = 0.0, level[:zeros, 1]
    assert law(off, size * off[:, 0] * off[:, 1]) == ("a * b" if size == 1 else "1000000000000 * a * b")
    scale = "0.123456789" if size == 1 else "123456789000"
    assert law(level, float(scale) * (level[:, 0] - level[:, 1])) == f"{scale} * a - {scale} * b"


def test_ordinary_columns_are_left_as_they_are() -> None:
    assert not Scaling.of(X * [1e-19, 1e25], A).is_needed
    assert Scaling.of(X * 1e-40, A).columns.tolist() == [-36, -36]


def test_a_constant_keeps_its_digits() -> None:
    candidate = Candidate(np.ones((1, 1)), np.ones((1, 1)), np.array([0.3]), np.zeros(1, dtype=np.int64), np.ones(1))
    assert Scaling(np.array([-204]), 12).restored(candidate).constants.tolist() == [3e215]
