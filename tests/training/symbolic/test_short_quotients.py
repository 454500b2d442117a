"""Short quotients in noise: all are tried, and the right one is among the best."""

import numpy as np
import pytest

from models.arrays import FloatArray
from training.symbolic.candidate import Candidate
from training.symbolic.quotients.short_quotients import short_quotients
from training.symbolic.search_space import SearchSpace

X = np.random.default_rng(0).uniform(-1, 1, (400, 4)) * [2.0, 30.0, 1.0, 0.2]
A, B, C, D = X.T
LAWS = {
    "one over two": (B * C, C**2 * D + 0.463 * A),
    "two over two": (0.25 * B * C + 2.5 * A * C, A * D + 3 * A**2 * C),
    "a difference below": (C * D - 1.62 * D**2, B**2 - 40 * A**2),
    "a constant below": (A * D, 1 + C**2),
}


def regular(above: FloatArray, below: FloatArray) -> np.ndarray:
    """Rows away from poles and zeros."""
    size = np.abs(below)
    return np.flatnonzero((size > 0.05 * np.median(size)) & (np.abs(above) > 0.01 * np.median(np.abs(above))))


def candidates(x: FloatArray, y: FloatArray, space: SearchSpace | None = None) -> list[Candidate]:
    return list(short_quotients(x, y, space=space or SearchSpace()))


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_the_best_of_all_in_noise_is_the_quotient_near_its_constants(law: str) -> None:
    above, below = LAWS[law]
    rows = regular(above, below)
    truth = (above / below)[rows]
    noise = 0.01 * np.random.default_rng(2).standard_normal(len(rows))
    best = candidates(X[rows], truth * (1 + noise))[0]
    assert np.median(np.abs(best.predict(X[rows]) / truth - 1)) < 0.005


def test_quotients_differ_by_more_than_a_common_factor() -> None:
    x = np.random.default_rng(3).uniform(1, 5, (100, 2))
    found = candidates(x, x[:, 0] / (x[:, 1] + 2 * x[:, 0]))
    assert all(each.exponents.min(0).tolist() == [0, 0] for each in found)
    assert len({(tuple(map(tuple, each.exponents.tolist())), tuple(each.sum_index)) for each in found}) == len(found)
    np.testing.assert_allclose(found[0].predict(x), x[:, 0] / (x[:, 1] + 2 * x[:, 0]), rtol=1e-6)


def test_there_are_none_of_too_few_rows_too_many_columns_or_outside_the_space() -> None:
    x = np.random.default_rng(3).uniform(1, 5, (100, 40))
    y = x[:, 0] / (x[:, 1] + 2 * x[:, 0])
    assert candidates(x[:40, :2], y[:40]) == []
    assert candidates(x, y) == []
    assert candidates(x[:, :2], y, SearchSpace(max_terms=1)) == []
    assert candidates(x[:, :2], y, SearchSpace(max_terms=2))
    zero_often = np.where(np.arange(100) % 2, y, 0.0)
    assert all(np.isfinite(each.constants).all() for each in candidates(x[:, :2], zero_often))
