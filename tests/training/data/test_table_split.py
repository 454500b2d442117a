import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from training.data.table_sample import MAX_ROWS, RowSample
from training.data.table_split import split_table
from training.errors import InputError

VALUES = st.floats(-1e6, 1e6, allow_nan=False)


@given(hnp.arrays(np.float64, st.tuples(st.integers(10, 60), st.integers(1, 4)), elements=VALUES), st.integers(0, 9))
def test_every_row_has_one_place_and_extrapolation_lies_outside_the_ranges(inputs: np.ndarray, seed: int) -> None:
    target = np.arange(len(inputs), dtype=np.float64)[:, None]
    split = split_table(inputs, target, seed)
    places = np.concatenate([split.train.target, split.interpolation.target, split.extrapolation.target])
    assert sorted(places[:, 0]) == list(range(len(inputs)))
    low, high = np.array(split.ranges).T
    outside = (split.extrapolation.inputs < low) | (split.extrapolation.inputs > high)
    assert outside.any(1).all()
    assert len(split.train) >= 7 * len(inputs) // 10 - 1
    assert len(split.interpolation) >= 1


def test_about_a_tenth_of_the_rows_measures_extrapolation() -> None:
    inputs = np.random.default_rng(0).uniform(0, 1, (1000, 3))
    split = split_table(inputs, inputs[:, :1], 0)
    assert (len(split.train), len(split.interpolation), len(split.extrapolation)) == (720, 180, 100)
    assert split.distance(split.extrapolation.inputs).min() > 1
    assert split.distance(split.train.inputs).max() <= 1


def test_the_seed_decides_the_split() -> None:
    inputs = np.random.default_rng(0).uniform(0, 1, (100, 1))
    first, again, other = (split_table(inputs, inputs, seed).train.inputs for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_columns_of_two_values_leave_nothing_outside() -> None:
    inputs = np.tile([[0.0], [1.0]], (20, 1))
    assert len(split_table(inputs, inputs, 0).extrapolation) == 0


def test_too_few_rows_and_a_constant_target_are_refused() -> None:
    with pytest.raises(InputError, match=r"^The table has 9 rows; training and checking need at least 10, so add rows"):
        split_table(np.zeros((9, 1)), np.zeros((9, 1)), 0)
    with pytest.raises(
        InputError, match=r"^The table has the target 3 in every training row, so there is nothing to learn"
    ):
        split_table(np.arange(20.0)[:, None], np.full((20, 1), 3.0), 0)


def test_a_column_of_two_values_does_not_hide_the_outermost_rows() -> None:
    random = np.random.default_rng(0)
    x = np.column_stack([random.normal(size=200), random.integers(0, 2, 200)])
    split = split_table(x, x[:, :1], 0)
    assert len(split.extrapolation) == 20
    low, high = np.array(split.ranges).T
    assert ((split.extrapolation.inputs < low) | (split.extrapolation.inputs > high)).any(1).all()


def test_the_outer_tenth_of_a_long_table_is_that_of_all_its_rows() -> None:
    x = np.random.default_rng(0).standard_cauchy((4 * MAX_ROWS, 2)).clip(-1e3, 1e3)
    sample = RowSample(2, 0)
    for chunk, numbers in zip(np.split(x, 16), np.split(np.arange(len(x)), 16), strict=True):
        sample.add(chunk, numbers)
    np.testing.assert_array_equal(x[sample.numbers], sample.values)
    of_all, of_sample = (split_table(inputs, inputs[:, :1], 0) for inputs in (x, sample.values))
    np.testing.assert_allclose(np.array(of_sample.ranges), np.array(of_all.ranges), rtol=0.05)
    assert np.abs(of_sample.extrapolation.inputs).max() == np.abs(x).max()
