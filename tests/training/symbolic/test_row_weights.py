import numpy as np
import pytest

from training.symbolic.row_weights import merge_rows

X = np.array([[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [5.0, 6.0], [0.0, 1.0], [-0.0, 1.0]])
Y = np.array([1.0, 2.0, 1.0, 3.0, 4.0, 4.0])


def table(inputs: np.ndarray, target: np.ndarray, weights: np.ndarray) -> dict[tuple[float, ...], float]:
    """The merged rows, each with its weight."""
    places, merged = merge_rows(inputs, target, weights)
    assert merged is not None
    return {(*row, y): w for row, y, w in zip(inputs[places].tolist(), target[places].tolist(), merged, strict=True)}


def test_equal_rows_become_one_whose_weight_is_their_sum() -> None:
    found = table(X, Y, np.array([1.0, 2.0, 0.5, 0.0, 1.0, 1.0]))
    assert found == {
        (1, 2, 1): pytest.approx(1.5 / (5.5 / 3)),
        (3, 4, 2): pytest.approx(2 / (5.5 / 3)),
        (0, 1, 4): pytest.approx(12 / 11),
    }


@pytest.mark.parametrize("scale", [1e-300, 0.1, 7.0, 1e300])
def test_only_ratios_matter(scale: float) -> None:
    weights = np.array([1.0, 2.0, 0.5, 3.0, 1.0, 0.7])
    assert table(X, Y, weights * scale) == pytest.approx(table(X, Y, weights))


def test_a_weight_is_that_many_equal_rows_in_any_order() -> None:
    weights = np.array([1, 2, 3, 0, 1, 5])
    repeated = np.random.default_rng(0).permutation(np.repeat(np.arange(6), weights))
    assert table(X[repeated], Y[repeated], np.ones(12)) == pytest.approx(table(X, Y, weights.astype(float)))


def test_equal_weights_of_different_rows_leave_all_as_it_is() -> None:
    places, merged = merge_rows(X[1:5], Y[1:5], np.full(4, 0.3))
    assert (places.tolist(), merged) == ([0, 1, 2, 3], None)


def test_one_row_that_is_repeated_stays_repeated() -> None:
    places, merged = merge_rows(X[[0, 2]], Y[[0, 2]], np.array([1.0, 3.0]))
    assert (places.tolist(), merged) == ([0, 1], None)
