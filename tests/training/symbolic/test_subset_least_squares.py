import numpy as np
import pytest

from training.symbolic.subset_least_squares import SubsetLeastSquares, inverse_lengths, least_squares

RANDOM = np.random.default_rng(0)
A = RANDOM.normal(size=(60, 4)) * [1, 1e6, 1e-6, 3]
NOISE = RANDOM.normal(size=60)
Y = A @ [2, -1e-6, 0, 0.5] + NOISE


@pytest.mark.parametrize("kept", [[0], [0, 1, 3], [3, 0], [0, 1, 2, 3]])
def test_every_subset_has_the_coefficients_and_the_error_of_a_fit_of_its_own(kept: list[int]) -> None:
    expected, squared = np.linalg.lstsq(A[:, kept], Y, rcond=None)[:2]
    problem = SubsetLeastSquares.of(A, Y)
    np.testing.assert_allclose(problem.solve(kept)[0], expected, rtol=1e-9)
    assert problem.error(kept) == pytest.approx(squared[0])


def test_fixed_coefficients_are_subtracted_first() -> None:
    rest = Y - 2 * A[:, 0] + 5e-7 * A[:, 1]
    expected, squared = np.linalg.lstsq(A[:, [3]], rest, rcond=None)[:2]
    problem, fixed = SubsetLeastSquares.of(A, Y), {0: 2.0, 1: -5e-7}
    np.testing.assert_allclose(problem.solve([3], fixed)[0], expected, rtol=1e-9)
    assert problem.error([3], fixed) == pytest.approx(squared[0])
    assert problem.error([], fixed) == pytest.approx(rest @ rest)


def test_standard_errors_are_the_textbooks() -> None:
    values, spread = SubsetLeastSquares.of(A, Y).solve([0, 1, 3])
    part = A[:, [0, 1, 3]]
    rest = Y - part @ values
    np.testing.assert_allclose(spread, np.sqrt(np.diag(np.linalg.inv(part.T @ part)) * (rest @ rest) / 60), rtol=1e-9)


def test_nothing_kept_leaves_the_goal_itself() -> None:
    problem = SubsetLeastSquares.of(A, Y)
    assert problem.error([]) == pytest.approx(Y @ Y)
    assert [part.shape for part in problem.solve([])] == [(0,), (0,)]


def test_an_exact_fit_has_the_error_of_rounding_and_not_of_none() -> None:
    goal = A[:, 0] * 3
    assert 0 < SubsetLeastSquares.of(A, goal).error([0]) < 1e-24 * (goal @ goal)


def test_a_number_less_is_worth_the_bayesian_criterions_share() -> None:
    problem = SubsetLeastSquares.of(A, Y)
    bic = lambda error, numbers: 60 * np.log(error / 60) + numbers * np.log(60)  # noqa: E731
    assert bic(problem.allowed([0, 1, 3], 2), 1) == pytest.approx(bic(problem.error([0, 1, 3]), 3))


def test_columns_of_zeros_and_copies_do_no_harm() -> None:
    design = np.column_stack([A[:, 0], A[:, 0], np.zeros(60)])
    values, spread = SubsetLeastSquares.of(design, 4 * A[:, 0]).solve([0, 1, 2])
    assert values[:2].sum() == pytest.approx(4)
    assert np.isfinite(spread).all()


def test_least_squares_is_the_shortest_answer_where_several_are() -> None:
    wide = RANDOM.normal(size=(3, 5))
    np.testing.assert_allclose(least_squares(wide, NOISE[:3]), np.linalg.pinv(wide) @ NOISE[:3])


def test_inverse_lengths_are_those_of_the_inverse_and_of_the_pseudo_inverse_without_one() -> None:
    square = RANDOM.normal(size=(8, 3))
    np.testing.assert_allclose(inverse_lengths(square), np.sqrt(np.diag(np.linalg.inv(square.T @ square))))
    wide = RANDOM.normal(size=(2, 3))
    np.testing.assert_allclose(inverse_lengths(wide), np.linalg.norm(np.linalg.pinv(wide), axis=1))
