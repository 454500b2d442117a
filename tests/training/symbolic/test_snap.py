import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.symbolic.snap import simplest_constant, snap_exponents

LOGS = np.random.default_rng(0).normal(size=(300, 3))
NOISE = np.random.default_rng(1).normal(size=300)


def snapped(exponents: list[float], noise: float) -> tuple[np.ndarray, bool]:
    goal = LOGS @ exponents + noise * NOISE
    return snap_exponents(LOGS - LOGS.mean(0), goal - goal.mean(), np.ones(300))


@pytest.mark.parametrize("noise", [0, 1e-3, 0.03, 0.1])
@pytest.mark.parametrize("exponents", [[1, 0, -2], [0.5, -1.5, 3], [1 / 3, 2 / 3, 0], [0.25, 1, -0.75]])
def test_exponents_on_the_grid_are_found_exactly_in_noise_too(exponents: list[float], noise: float) -> None:
    values, on_grid = snapped(exponents, noise)
    np.testing.assert_array_equal(values, exponents)
    assert on_grid


@pytest.mark.parametrize("noise", [0, 1e-4, 1e-2])
def test_exponents_off_the_grid_are_not_taken_to_it(noise: float) -> None:
    values, on_grid = snapped([0.3, 0.9, 1.5], noise)
    assert values == pytest.approx([0.3, 0.9, 1.5], abs=4 * noise / math.sqrt(300) + 1e-9)
    assert values[2] == 1.5
    assert not on_grid


def test_noise_decides_whether_1_0003_is_1() -> None:
    assert snapped([1.0003, 0, 0], 0.03)[0].tolist() == [1, 0, 0]
    values, on_grid = snapped([1.0003, 0, 0], 1e-6)
    assert values[0] == pytest.approx(1.0003, abs=1e-6)
    assert not on_grid


def test_rows_of_no_weight_decide_nothing() -> None:
    goal = LOGS @ [2.0, 0.0, 1.0]
    goal[:50] += 10 * NOISE[:50]
    weights = np.where(np.arange(300) < 50, 0.0, 1.0)
    centre = lambda values: values - weights @ values / weights.sum()  # noqa: E731
    values, _ = snap_exponents(centre(LOGS), centre(goal), weights)
    np.testing.assert_array_equal(values, [2, 0, 1])


@pytest.mark.parametrize(
    ("value", "tolerance", "expected"),
    [
        (2.00000001, 1e-6, 2.0),
        (0.4999999, 1e-6, 0.5),
        (-0.25000001, 1e-6, -0.25),
        (1 / 3 + 1e-9, 1e-8, 1 / 3),
        (-5 / 12, 1e-12, -5 / 12),
        (3.1415926, 1e-6, math.pi),
        (2.0943951, 1e-6, 2 * math.pi / 3),
        (4.1887902, 1e-6, 4 * math.pi / 3),
        (9.8066, 4e-3, 9.81),
        (9.8066, 1e-4, 9.8066),
        (6.674e-11 * (1 + 1e-9), 1e-17, 6.674e-11),
        (1.380649e23, 1e15, 1.380649e23),
        (0.333, 0.04, 0.3),
        (0.4321, 1e-5, 0.4321),
        (1e-9, 1e-8, 0.0),
        (math.sqrt(2), 1e-16, math.sqrt(2)),
    ],
)
def test_plain_numbers_are_what_one_would_write(value: float, tolerance: float, expected: float) -> None:
    assert simplest_constant(value, tolerance) == expected


@given(st.floats(-1e12, 1e12).filter(lambda value: abs(value) > 1e-12), st.floats(1e-12, 0.5))
def test_a_plain_number_is_never_off_by_more_than_is_allowed(value: float, share: float) -> None:
    tolerance = share * abs(value)
    assert abs(simplest_constant(value, tolerance) - value) <= tolerance
