from collections.abc import Callable

import numpy as np
import pytest

from training.symbolic import find_law
from training.symbolic.outliers import find_outliers

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(1, 10, (300, 3))
A, B, C = X.T
COLUMNS = ("a", "b")


@pytest.mark.slow
@pytest.mark.parametrize("slip", [-1e6, 0.0, 31.5])
@pytest.mark.parametrize("law", [lambda: A * B, lambda: A + 2 * C, lambda: A / (B + C)])
def test_a_slip_of_any_size_in_one_row_is_found(law: Callable[[], np.ndarray], slip: float) -> None:
    target = law()
    target[17] = slip
    found = find_outliers(X, target)
    assert found is not None
    candidate, places = found
    assert places.tolist() == [17]
    np.testing.assert_allclose(candidate.predict(X), law(), rtol=1e-9)


def test_several_outliers_are_all_found_and_more_than_a_few_are_none() -> None:
    for count in (3, 30):
        target = A * B
        target[:count] *= 2
        found = find_outliers(X, target, rounds=0)
        assert (found is None) if count == 30 else (found is not None and found[1].tolist() == [0, 1, 2])


def test_where_there_is_noise_or_no_law_or_no_outlier_none_is_named() -> None:
    for target in (A * B, A * B * (1 + 0.02 * RANDOM.normal(size=300)), np.sin(A), RANDOM.normal(size=300), A * 0 + 5):
        assert find_outliers(X, target, rounds=0) is None
    assert find_outliers(X[:5], A[:5] * B[:5]) is None


@pytest.mark.slow
def test_the_reason_names_the_rows_that_hide_a_law() -> None:
    target = A * B
    target[17] = 1e6
    finding = find_law(X[:, :2], target[:, None], columns=COLUMNS, rounds=0)
    assert (finding.formula, finding.latex) == (None, None)
    assert finding.reason == ("row 17 does not follow a * b, as all other training rows do; correct it or leave it out")
    target[[40, 41, 42, 43, 44]] = 1e6
    finding = find_law(X[:, :2], target[:, None], rows=np.arange(300) + 1, rounds=0)
    assert finding.reason == (
        "rows 18, 41, 42, 43, 44, ... do not follow x0 * x1, as all other training rows do; "
        "correct them or leave them out"
    )
