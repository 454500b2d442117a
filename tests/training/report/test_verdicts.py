"""The sentences below the errors: for any errors, they agree with the numbers that are printed."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.metrics import regression_errors
from training.report.verdicts import MAX_TRUSTED_ERROR, verdicts

MLP_FITS_BETTER = "The MLP fits better: the data may follow no law that this unit can represent."
LARGE = "Do not trust it outside the training range: the error there is large."
NOT_FINITE = "Do not trust it outside the training range: its results there are not all finite."
NOISE = "Outside the training range the errors are no larger than within: the noise of the rows."
FAR_LARGER = "Do not trust it outside the training range: the error there is far larger than within."
TARGET = np.array([1.0, -2.0, 0.5, 3.0])
SHARES = st.sampled_from([0.0, 1e-17, 1e-12, 1e-8, 1e-5, 1e-3, 5e-3, 2e-2, 0.3, 1.0, 1e6, math.inf, math.nan])
SIZES = st.sampled_from([0.0, 5e-324, 1e-300, 1e-200, 1e-19, 1.0, 1e12, 1e200, 1e300])


def part(target_size: float, error: float, mlp: float, unit: float) -> dict[str, Any]:
    """Measured errors: of a target of a size, by predictions that are off by these shares of a unit in every row."""
    target = TARGET * target_size
    with np.errstate(all="ignore"):
        ours, other = (regression_errors(target + share * unit, target) for share in (error, mlp))
    return {**ours, "mlp": other}


@given(SIZES, SIZES, *[SHARES] * 4)
@settings(max_examples=200, deadline=None)
def test_sentences_agree_with_the_errors(
    inner: float, outer: float, law_in: float, mlp_in: float, law_out: float, mlp_out: float
) -> None:
    unit = max(inner, outer) or 1.0
    inside, beyond = part(inner, law_in, mlp_in, unit), part(outer, law_out, mlp_out, unit)
    sentences = verdicts(inside, beyond)
    ours, mlp = (each["relative_rmse"] for each in (inside, inside["mlp"]))
    if MLP_FITS_BETTER in sentences:
        assert mlp is not None
        assert ours is None or mlp < ours
    elif ours is None and mlp is not None and inner > 0:
        assert mlp > MAX_TRUSTED_ERROR
    assert (NOT_FINITE in sentences) == (beyond["relative_rmse"] is None)
    if outer > 0 and beyond["relative_rmse"] is not None:
        assert (LARGE in sentences) == (beyond["relative_rmse"] > MAX_TRUSTED_ERROR)
    assert any(line.startswith("abs.: absolute") for line in sentences) == (0 in (inner, outer))
    if law_in == law_out == 0:
        assert not {MLP_FITS_BETTER, LARGE, NOT_FINITE} & set(sentences)


@pytest.mark.parametrize("mlp", [0.0, 1e-17, 1.0, math.inf])
@pytest.mark.parametrize(("inner", "outer"), [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1e-300, 0.0), (1e12, 1.0)])
def test_an_exact_law_is_trusted_whatever_the_target_is(inner: float, outer: float, mlp: float) -> None:
    sentences = verdicts(part(inner, 0.0, mlp, 1.0), part(outer, 0.0, mlp, 1.0))
    assert [line for line in sentences if not line.startswith("abs.")] == []


@pytest.mark.parametrize("size", [1e-19, 1.0, 1e15])
def test_an_absolute_error_is_large_by_the_size_of_the_target_elsewhere(size: float) -> None:
    inside = part(size, 1e-3, 0.5, size)
    assert LARGE not in verdicts(inside, part(0.0, 1e-14, 0.5, size))
    sentences = verdicts(inside, part(0.0, 0.3, 0.5, size))
    assert LARGE in sentences
    assert sentences[0] == (
        f"abs.: absolute, as the target is 0 in all rows of that part; elsewhere its size is {1.8875 * size:.1e}."
    )


def test_rounding_is_no_better_fit_and_neither_is_chance() -> None:
    assert verdicts(part(1.0, 3e-8, 1e-8, 1.0), part(1.0, 3e-8, 1.0, 1.0)) == []
    assert verdicts(part(1.0, 5.0e-3, 4.9e-3, 1.0), part(1.0, 5e-3, 1.0, 1.0)) == []
    assert verdicts(part(1.0, 0.3, 1e-4, 1.0), part(1.0, 1e-3, 1.0, 1.0)) == [MLP_FITS_BETTER]


def test_no_outer_row_is_named_as_such() -> None:
    assert verdicts(part(1.0, 0.0, 0.1, 1.0), {"rows": 0}) == [
        "No row lies outside the training range, so extrapolation is not measured."
    ]


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.15])
def test_a_laws_noise_on_outer_rows_is_no_reason_to_distrust_it(noise: float) -> None:
    inside, beyond = part(1.0, noise, 1.0, 1.0), part(1.0, 1.3 * noise, 1.0, 1.0)
    assert verdicts(inside, beyond, law=True) == [NOISE]
    assert verdicts(inside, beyond) == [LARGE]


def test_noise_of_one_size_is_larger_beside_smaller_targets_and_no_reason_to_distrust_a_law() -> None:
    assert verdicts(part(1.0, 0.02, 1.0, 1.0), part(0.25, 0.02, 1.0, 1.0), law=True) == [NOISE]


@pytest.mark.parametrize(("within", "outside"), [(0.01, 0.1), (0.0, 0.05), (0.4, 0.5), (1e-9, 0.02)])
def test_a_law_is_not_trusted_where_more_than_its_noise_is_off(within: float, outside: float) -> None:
    assert verdicts(part(1.0, within, 1.0, 1.0), part(1.0, outside, 1.0, 1.0), law=True) == [LARGE]


def test_a_law_that_is_exact_within_its_range_is_not_trusted_where_it_is_slightly_off_beyond() -> None:
    inside, beyond = part(1.0, 1e-12, 1.0, 1.0), part(1.0, 5e-3, 1.0, 1.0)
    assert verdicts(inside, beyond, law=True) == [FAR_LARGER]
    assert verdicts(inside, beyond) == []


def test_an_mlp_at_rounding_does_not_fit_better_than_a_law_at_rounding() -> None:
    assert verdicts(part(1.0, 1e-15, 2e-16, 1.0), part(1.0, 1e-15, 1.0, 1.0), law=True) == []
