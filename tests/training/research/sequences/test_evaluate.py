"""The bound below which a model counts as a success, against scipy's own interval."""

import numpy as np
import pytest
from scipy import stats

from training.research.sequences.evaluate import success_bound


@pytest.mark.parametrize("seeds", [3, 10])
def test_the_bound_is_the_upper_end_of_scipy_s_98_percent_interval(seeds: int) -> None:
    errors = np.random.default_rng(seeds).gamma(2, size=seeds)
    _, upper = stats.t.interval(0.98, seeds - 1, loc=errors.mean(), scale=stats.sem(errors))
    assert success_bound(list(errors)) == pytest.approx(upper)


def test_two_seeds_give_no_bound() -> None:
    assert success_bound([1.0, 2.0]) is None
