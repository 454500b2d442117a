from collections.abc import Callable

import numpy as np
import pytest

from models.arrays import FloatArray
from training.symbolic.deadline import Deadline
from training.symbolic.surrogate import relevant_columns

X = np.random.default_rng(0).uniform(1, 5, (1000, 6))
SIGNED = np.random.default_rng(1).uniform(-3, 3, (1000, 6))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "law", "relevant", "noise"),
    [
        (X, lambda a, b, c, d, e, f: b * np.exp(-e / f), {1, 4, 5}, 0.03),
        (SIGNED, lambda a, b, c, d, e, f: a * b / (d**2 + 1) + f, {0, 1, 3, 5}, 0.0),
    ],
)
def test_columns_that_matter_are_told_from_those_that_do_not(
    inputs: FloatArray, law: Callable[..., FloatArray], relevant: set[int], noise: float
) -> None:
    target = law(*inputs.T) * (1 + noise * np.random.default_rng(2).normal(size=1000))
    found = relevant_columns(inputs, target, np.random.default_rng(0))
    assert set(found.columns.tolist()) == relevant
    assert found.unexplained < (0.05 if noise else 1e-2)


def test_the_column_that_the_target_varies_with_most_comes_first() -> None:
    found = relevant_columns(X[:60], X[:60, 4] + 30 * X[:60, 2], np.random.default_rng(0))
    assert found.columns.tolist() == [2, 4]


@pytest.mark.parametrize("rows", [1, 60])
def test_of_noise_nothing_is_known_and_all_columns_are_kept(rows: int) -> None:
    found = relevant_columns(X[:rows], np.random.default_rng(1).normal(size=rows), np.random.default_rng(0))
    assert found.columns.tolist() == list(range(6))
    assert found.unexplained > 0.5


def test_in_doubt_columns_are_kept_and_the_likely_ones_named() -> None:
    """A product of four columns of both signs is rough for so few rows."""
    x = SIGNED[:60]
    found = relevant_columns(x, x[:, 0] * x[:, 1] * x[:, 2] / (1 + x[:, 3] ** 2), np.random.default_rng(0))
    assert found.unexplained > 0.05
    assert sorted(found.columns) == list(range(6))
    assert len(found.likely) < 6


def test_a_few_rows_near_a_pole_hide_no_column() -> None:
    x = SIGNED[:60, :3]
    found = relevant_columns(x, x[:, 0] + 1 / x[:, 1], np.random.default_rng(0))
    assert {0, 1} <= set(found.columns.tolist())


def test_of_a_column_that_is_there_twice_one_is_kept() -> None:
    x = np.repeat(X[:60, :1], 2, 1)
    assert len(relevant_columns(x, np.sin(x[:, 0]), np.random.default_rng(0), Deadline.after(20)).columns) == 1


@pytest.mark.parametrize("columns", [np.zeros((60, 2)), np.repeat([[0.0], [1.0]], 30, 0)])
def test_columns_of_few_values_and_a_target_that_is_often_zero_are_taken(columns: FloatArray) -> None:
    x = np.column_stack([X[:60, 0], columns])
    found = relevant_columns(x, np.maximum(x[:, 0] - 3, 0), np.random.default_rng(0))
    assert 0 in found.columns
