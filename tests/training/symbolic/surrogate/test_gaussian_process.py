import numpy as np
import pytest
import scipy.optimize

from training.symbolic.deadline import Deadline, DeadlineError
from training.symbolic.surrogate import gaussian_process
from training.symbolic.surrogate.gaussian_process import (
    JITTER,
    GaussianProcess,
    fit_gaussian_process,
    gaussian_process_at,
    start_of,
)

X = np.random.default_rng(0).normal(size=(60, 3))
GOAL = np.sin(X[:, 0]) * X[:, 1]
GOAL = (GOAL - GOAL.mean()) / GOAL.std()


@pytest.fixture(scope="module")
def fitted() -> GaussianProcess:
    return fit_gaussian_process(X, GOAL, start_of(3), 40)


def test_the_loss_is_the_likelihood_of_a_normal_distribution_up_to_a_constant() -> None:
    logs = [np.array([0.1, -0.4, -2.0, -3.0]), np.array([-1.0, 0.3, -0.5, -2.0])]
    losses, expected = [], []
    for each in logs:
        distance = (((X[:, None] - X[None]) * np.exp(each[:-1])) ** 2).sum(2)
        covariance = np.exp(-distance / 2) + np.eye(60) * (np.exp(each[-1]) + JITTER)
        variance = GOAL @ np.linalg.solve(covariance, GOAL) / 60
        expected.append(np.linalg.slogdet(variance * covariance)[1] / 2)
        losses.append(gaussian_process_at(X, GOAL, each).loss)
    assert losses[0] - losses[1] == pytest.approx(expected[0] - expected[1], rel=1e-6)


def test_the_gradient_of_the_likelihood_is_that_of_finite_differences() -> None:
    def at(logs: np.ndarray) -> gaussian_process._Likelihood:
        found = gaussian_process._Likelihood.at(X, GOAL, logs)
        assert found is not None
        return found

    logs = np.array([0.1, -0.4, -2.0, -3.0])
    expected = scipy.optimize.approx_fprime(logs, lambda each: at(each).loss, 1e-6)
    np.testing.assert_allclose(at(logs).gradient(X, logs), expected, rtol=1e-4)


def test_rows_left_out_are_predicted_as_by_the_process_of_the_others() -> None:
    logs = np.array([0.1, -0.4, -2.0, -7.0])
    process = gaussian_process_at(X, GOAL, logs)
    for row in (0, 17):
        others = np.arange(60) != row
        without = gaussian_process_at(X[others], GOAL[others], logs)
        expected = GOAL[row] - without.predict(X[row : row + 1])[0]
        assert process.left_out[row] == pytest.approx(expected, rel=1e-6)


def test_gradients_are_those_of_finite_differences(fitted: GaussianProcess) -> None:
    points, step = X[:5], 1e-5
    for feature in range(3):
        moved = np.eye(3)[feature] * step
        expected = (fitted.predict(points + moved) - fitted.predict(points - moved)) / (2 * step)
        np.testing.assert_allclose(fitted.gradients(points)[:, feature], expected, rtol=1e-4, atol=1e-4)


def test_a_feature_that_does_not_matter_gets_no_slope(fitted: GaussianProcess) -> None:
    assert fitted.inverse_lengths[2] < 0.02 < fitted.inverse_lengths[:2].min()
    assert fitted.unexplained < 1e-4


def test_a_deadline_ends_the_fit() -> None:
    with pytest.raises(DeadlineError):
        fit_gaussian_process(X, GOAL, start_of(3), 40, Deadline.after(-1))
