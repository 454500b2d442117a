"""The uncertainty of laws, against textbook least squares and by the share of new observations that intervals hold."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate, Feature
from training.symbolic.uncertainty import LEVELS, LawUncertainty, law_uncertainty

Noise = Callable[[np.random.Generator, int], FloatArray]
NAMES = ["a", "b", "c"]


def candidate(
    exponents: Any,
    constants: Any,
    sum_index: Any = None,
    sum_exponents: Any = (1.0,),
    features: tuple[Feature, ...] = (),
) -> Candidate:
    W = np.array(exponents, dtype=np.float64)
    index = np.zeros(len(W), dtype=np.int64) if sum_index is None else np.array(sum_index)
    signs = np.where(W % 2 == 0, 1.0, -1.0)
    return Candidate(W, signs, np.array(constants, dtype=np.float64), index, np.array(sum_exponents), features)


PRODUCT = candidate([[1, 1, 0]], [2.0])
LINE = candidate([[1, 0, 0], [0, 1, 0], [0, 0, 0]], [2.0, -3.0, 7.0])
QUOTIENT = candidate([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [3.0, 1.0, 2.0], [0, 1, 1], [1.0, -1.0])


def table(
    law: Candidate, rows: int, seed: int = 0, *, constant: float = 0.0, share: float = 0.0, noise: Noise | None = None
) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    x = random.uniform(1, 10, (rows, 3))
    y, draw = law.predict(x), random.normal(size=rows) if noise is None else noise(random, rows)
    return x, y + (constant + share * np.abs(y)) * draw


def uncertainty(law: Candidate, x: FloatArray, y: FloatArray, weights: FloatArray | None = None) -> LawUncertainty:
    found = law_uncertainty(law, x, y, NAMES, weights)
    assert found is not None
    return found


def intervals(found: LawUncertainty, law: Candidate, x: FloatArray, level: float = 0.95) -> FloatArray:
    quantiles = found.fields.quantiles(level)
    assert quantiles is not None
    with torch.no_grad():
        spread = found.spread(torch.from_numpy(x)).numpy()
    return quantiles.intervals(law.predict(x), spread)


def covered(bounds: FloatArray, observed: FloatArray) -> float:
    return float(np.mean((bounds[:, 0] <= observed) & (observed <= bounds[:, 1])))


def test_standard_errors_and_intervals_of_a_line_are_those_of_linear_regression() -> None:
    x, y = table(LINE, 40, constant=0.5)
    found = uncertainty(LINE, x, y)
    design = np.column_stack([x[:, 0], x[:, 1], np.ones(40)])
    estimates, (rest,), *_ = np.linalg.lstsq(design, y, rcond=None)
    variance = rest / 37
    covariance = variance * np.linalg.inv(design.T @ design)
    constants = found.fields.constants
    np.testing.assert_allclose([constant.estimate for constant in constants], estimates, rtol=1e-9)
    np.testing.assert_allclose([constant.standard_error for constant in constants], np.sqrt(np.diag(covariance)))
    assert [constant.value for constant in constants] == [2.0, -3.0, 7.0]
    assert [constant.term for constant in constants] == ["a", "b", "1"]
    assert (found.fields.noise, found.fields.degrees_of_freedom) == ("constant", 37)
    new = np.random.default_rng(1).uniform(1, 30, (9, 3))
    rows = np.column_stack([new[:, 0], new[:, 1], np.ones(9)])
    half = 2.0261924 * np.sqrt(variance + np.einsum("ij,jk,ik->i", rows, covariance, rows))  # t of 37, two-sided 95 %
    expected = np.stack([rows @ estimates - half, rows @ estimates + half], 1)
    np.testing.assert_allclose(intervals(found, LINE, new), expected, rtol=1e-6)


def test_noise_in_proportion_is_told_from_noise_of_one_size() -> None:
    found = uncertainty(PRODUCT, *table(PRODUCT, 200, share=0.01))
    assert found.fields.noise == "proportional"
    assert found.fields.constant_noise == 0
    assert found.fields.relative_noise == pytest.approx(0.01, rel=0.15)
    found = uncertainty(PRODUCT, *table(PRODUCT, 200, constant=0.5))
    assert found.fields.noise == "constant"
    assert found.fields.constant_noise == pytest.approx(0.5, rel=0.15)


def test_where_the_rows_cannot_tell_the_kind_of_noise_the_larger_one_counts() -> None:
    x = np.random.default_rng(0).uniform(4.9, 5.1, (40, 3))
    y = PRODUCT.predict(x) * (1 + 0.01 * np.random.default_rng(1).normal(size=40))
    found = uncertainty(PRODUCT, x, y)
    assert found.fields.noise == "either"
    with torch.no_grad():
        _, near, far = found.spread(torch.tensor([[0.1, 0.1, 1], [5, 5, 1], [50, 50, 1]], dtype=torch.float64))[:, 1]
        least = found.spread(torch.tensor([[0.1, 0.1, 1]], dtype=torch.float64))[0, 1]
    assert far / near == pytest.approx(100, rel=0.02)
    assert least == pytest.approx(float(near), rel=0.05)


@pytest.mark.slow
def test_95_percent_intervals_hold_95_percent_of_new_observations_inside_and_at_twice_the_range_of_20_rows() -> None:
    shares = []
    for seed in range(50):
        law, noise = (PRODUCT, {"share": 0.01}) if seed % 2 else (LINE, {"constant": 0.5})
        found = uncertainty(law, *table(law, 20, seed, **noise))
        random = np.random.default_rng([1, seed])
        for x in (random.uniform(1, 10, (500, 3)), random.uniform(10, 20, (500, 3))):
            truth = law.predict(x)
            observed = truth + (0.01 * truth if seed % 2 else 0.5) * random.normal(size=500)
            shares.append(covered(intervals(found, law, x), observed))
    inside, twice = np.reshape(shares, (-1, 2)).mean(0)
    assert 0.93 <= inside <= 0.97
    assert 0.93 <= twice <= 0.97


def test_a_constant_that_was_snapped_to_a_wrong_number_leaves_intervals_right() -> None:
    truth, snapped = candidate([[1, 1, 0]], [2.97]), candidate([[1, 1, 0]], [3.0])
    x, y = table(truth, 60, share=0.02)
    far = np.random.default_rng(2).uniform(10, 20, (2000, 3))
    observed = truth.predict(far) * (1 + 0.02 * np.random.default_rng(3).normal(size=2000))
    assert 0.92 <= covered(intervals(uncertainty(snapped, x, y), snapped, far), observed) <= 0.99
    assert uncertainty(snapped, x, y).fields.constants[0].value == 3.0


def test_an_interval_holds_the_prediction_and_grows_with_its_level() -> None:
    x, y = table(LINE, 40, constant=0.5)
    shifted = candidate(LINE.exponents, LINE.constants + 0.3)
    found, far = uncertainty(shifted, x, y), 100 * x
    bounds = np.stack([intervals(found, shifted, far, level) for level in LEVELS])
    assert (bounds[..., 0] <= shifted.predict(far)).all()
    assert (bounds[..., 1] >= shifted.predict(far)).all()
    assert (np.diff(bounds[..., 1], axis=0) >= 0).all()


@pytest.mark.parametrize(
    ("noise", "deviations"),
    [
        (lambda random, rows: random.uniform(-1, 1, rows), 0.95 * np.sqrt(3)),
        (lambda random, rows: random.laplace(size=rows), -np.log(0.05) / np.sqrt(2)),
    ],
    ids=["uniform", "laplace"],
)
def test_with_many_rows_the_width_follows_the_residuals_and_not_the_normal_distribution(
    noise: Noise, deviations: float
) -> None:
    found = uncertainty(PRODUCT, *table(PRODUCT, 4000, constant=0.1, noise=noise))
    assert found.fields.levels["0.95"].noise == pytest.approx(deviations, rel=0.04)


def test_an_exact_law_has_intervals_of_rounding_width_that_hold_it_in_any_order_of_operations() -> None:
    x, _ = table(QUOTIENT, 100)
    found = uncertainty(QUOTIENT, x, QUOTIENT.predict(x))
    far = 100 * x
    again = 3 / ((far[:, 1] + 2 * far[:, 2]) / far[:, 0])
    bounds = intervals(found, QUOTIENT, far)
    assert found.fields.noise == "rounding"
    assert covered(bounds, again) == 1
    assert (np.ptp(bounds, axis=1) < 1e-13 * again).all()


def test_of_a_scale_that_sums_have_in_common_the_constant_1_is_not_uncertain() -> None:
    found = uncertainty(QUOTIENT, *table(QUOTIENT, 100, share=0.01))
    assert [(constant.value, constant.term) for constant in found.fields.constants] == [(3.0, "a"), (2.0, "c")]


def test_constants_within_functions_have_standard_errors_too() -> None:
    decay = Feature("exp", (candidate([[1, 0, 0]], [-0.3]),))
    law = candidate([[0, 1, 0, 1], [0, 0, 0, 0]], [2.0, 5.0], features=(decay,))
    found = uncertainty(law, *table(law, 200, constant=0.01))
    named = [(constant.value, constant.term, constant.function) for constant in found.fields.constants]
    assert named == [(2.0, "b * exp(-0.3 * a)", None), (5.0, "1", None), (-0.3, "a", "exp")]
    for constant in found.fields.constants:
        assert 0 < abs(constant.estimate - constant.value) < 4 * constant.standard_error


def test_repeated_rows_are_no_evidence_and_weights_count_as_in_weighted_least_squares() -> None:
    x, y = table(LINE, 40, constant=0.5)
    once, twice = uncertainty(LINE, x, y), uncertainty(LINE, np.tile(x, (2, 1)), np.tile(y, 2))
    assert once.fields.constants == twice.fields.constants
    weights = np.random.default_rng(0).uniform(0.5, 1.5, 40)
    weights /= weights.mean()
    design = np.sqrt(weights)[:, None] * np.column_stack([x[:, 0], x[:, 1], np.ones(40)])
    estimates = np.linalg.lstsq(design, np.sqrt(weights) * y, rcond=None)[0]
    found = uncertainty(LINE, x, y, weights).fields.constants
    np.testing.assert_allclose([constant.estimate for constant in found], estimates, rtol=1e-9)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_targets_of_extreme_size_have_intervals(size: float) -> None:
    x, y = table(LINE, 40, constant=0.5)
    large = candidate(LINE.exponents, LINE.constants * size)
    found = uncertainty(large, x, y * size)
    expected = intervals(uncertainty(LINE, x, y), LINE, 2 * x) * size
    np.testing.assert_allclose(intervals(found, large, 2 * x), expected, rtol=1e-9)


def test_without_more_rows_than_constants_or_finite_numbers_there_is_no_uncertainty() -> None:
    x, y = table(LINE, 40, constant=0.5)
    assert law_uncertainty(LINE, x[:3], y[:3], NAMES) is None
    pole = candidate([[-1, 0, 0]], [1.0])
    assert law_uncertainty(pole, np.zeros((9, 3)), np.ones(9), NAMES) is None


def test_an_interval_is_not_finite_where_the_law_may_be_undefined() -> None:
    root = candidate([[1, 0, 0], [0, 0, 0]], [1.0, -1.0], sum_exponents=[0.5])
    found = uncertainty(root, *table(root, 60, constant=0.05))
    at = np.array([[0.0, 1, 1], [4.0, 1, 1]])
    assert np.isfinite(intervals(found, root, at)).all(1).tolist() == [False, True]
