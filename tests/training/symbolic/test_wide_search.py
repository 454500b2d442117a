"""Laws of a few among many columns."""

from collections.abc import Callable

import numpy as np
import pytest

from models.arrays import FloatArray
from training.metrics import predict
from training.symbolic import LawResult, find_law
from training.symbolic.forward_selection import forward_selection
from training.symbolic.screening import Features, depends, log_magnitudes, screened_columns

RANDOM = np.random.default_rng(0)
POSITIVE = RANDOM.uniform(1, 9, (300, 250))
MIXED = RANDOM.uniform(-5, 5, (300, 250))
NOISE = RANDOM.normal(size=300)
A, B, C, D = 7, 100, 101, 240
LAWS: dict[str, Callable[..., FloatArray]] = {
    "2 * x7 * x100": lambda a, b, c, d: 2 * a * b,
    "3 * x7 / x100": lambda a, b, c, d: 3 * a / b,
    "x7 * x100**2": lambda a, b, c, d: a * b**2,
    "2 * x7 + 1 - 3 * x100": lambda a, b, c, d: 2 * a - 3 * b + 1,
    "x7 / (x100 + x101)": lambda a, b, c, d: a / (b + c),
    "(x7 + x100) / (x101 + x240)": lambda a, b, c, d: (a + b) / (c + d),
}


def find(inputs: FloatArray, target: FloatArray, **options: float) -> LawResult:
    return find_law(inputs, target[:, None], **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("sign", ["positive", "mixed"])
@pytest.mark.parametrize("formula", LAWS)
def test_a_law_of_a_few_of_250_columns_is_found(formula: str, sign: str) -> None:
    inputs = POSITIVE if sign == "positive" else MIXED
    target = LAWS[formula](*inputs[:, [A, B, C, D]].T)
    found = find(inputs, target)
    assert found.formula is not None
    far = 100 * inputs
    np.testing.assert_allclose(predict(found.network, far)[:, 0], LAWS[formula](*far[:, [A, B, C, D]].T))


@pytest.mark.slow
def test_a_strong_term_hides_no_weak_one() -> None:
    target = 100 * POSITIVE[:, A] + 0.1 * POSITIVE[:, B] * POSITIVE[:, C]
    formula = find(POSITIVE, target).formula
    assert formula is not None
    assert set(formula.split(" + ")) == {"0.1 * x100 * x101", "100 * x7"}


@pytest.mark.slow
def test_noise_of_three_percent_is_no_obstacle() -> None:
    assert find(MIXED, MIXED[:, A] * MIXED[:, B] * (1 + 0.03 * NOISE)).formula == "x7 * x100"


@pytest.mark.slow
def test_noise_has_no_law_however_many_columns_there_are() -> None:
    random = np.random.default_rng(0)
    for inputs in (random.normal(size=(60, 1500)), random.integers(0, 2, (40, 1500)).astype(np.float64)):
        for target in (random.normal(size=len(inputs)), random.integers(0, 2, len(inputs)).astype(np.float64)):
            assert find(inputs, target, rounds=1).formula is None


def test_few_rows_of_two_values_are_not_evidence_of_a_law_of_one_of_many_columns() -> None:
    inputs = np.random.default_rng(0).integers(0, 2, (20, 300)).astype(np.float64)
    inputs[:, 5] = 1 + np.arange(20) % 2
    found = find(inputs, 3 * inputs[:, 5])
    assert found.formula is None
    assert found.reason is not None
    assert "too few to tell a law" in found.reason


def test_a_sum_of_most_columns_is_found_among_as_many_as_there_are() -> None:
    inputs = np.random.default_rng(0).normal(size=(150, 60))
    found = find(inputs, inputs[:, :50].sum(1))
    assert found.reason is None
    assert found.formula is not None
    assert found.formula.count("x") == 50


def test_the_seed_reproduces_a_search_in_a_wide_table() -> None:
    target = MIXED[:, A] / (MIXED[:, B] + MIXED[:, C])
    first, second = (find(MIXED, target, seed=3).formula for _ in range(2))
    assert first is not None
    assert first == second


def test_forward_selection_finds_the_columns_of_a_sum_and_none_of_noise() -> None:
    assert forward_selection(MIXED, MIXED[:, [A, B, C]] @ [1, 0.01, 5]).tolist() == [A, B, C]
    assert forward_selection(MIXED, NOISE).tolist() == []
    twice = np.column_stack([MIXED, MIXED[:, A]])
    assert len(forward_selection(twice, twice[:, A] + twice[:, B])) == 2


def test_a_product_of_columns_of_both_signs_is_screened_by_pairs() -> None:
    target = MIXED[:, A] * MIXED[:, B]
    assert max(abs(np.corrcoef(target, MIXED[:, place])[0, 1]) for place in (A, B)) < 0.2
    sets = [set(columns.tolist()) for columns in screened_columns(MIXED, target, np.random.default_rng(0))]
    assert {A, B} in sets


def test_errors_that_follow_from_other_columns_are_no_noise() -> None:
    held_out = np.arange(300) % 4 == 0
    assert not depends(MIXED, NOISE, held_out, 0.1)
    assert depends(MIXED, NOISE + MIXED[:, A], held_out, 0.1)
    assert depends(MIXED, NOISE + MIXED[:, A] * MIXED[:, B], held_out, 0.1)


def test_zeros_and_columns_of_one_value_are_no_obstacle_to_screens() -> None:
    inputs = MIXED.copy()
    inputs[:, 3], inputs[::2, 4], inputs[:, 5] = 0.0, 0.0, 7.0
    assert np.isfinite(log_magnitudes(inputs)).all()
    assert np.isfinite(Features.of(inputs).values).all()
    assert find(inputs, 2 * inputs[:, A] * inputs[:, B]).formula == "2 * x7 * x100"
