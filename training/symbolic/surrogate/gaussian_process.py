"""Gaussian process regression with one length scale a feature, fitted by its marginal likelihood.

Rasmussen and Williams 2006, "Gaussian processes for machine learning": the likelihood and its gradient (5.4.1), errors
of leaving one row out in closed form (5.4.2), automatic relevance determination (5.1). We differ in one thing: the
signal's variance is the one that maximises the likelihood, so that only its ratio to the noise is searched.
"""

import math
from dataclasses import dataclass

import numpy as np
import scipy.linalg
import scipy.optimize

from models.arrays import BoolArray, FloatArray
from training.symbolic.deadline import NO_DEADLINE, Deadline

JITTER = 1e-10
"""Share of the signal's variance that is always noise, so that the covariance can be inverted."""
START_LENGTH, START_NOISE = 3.0, 1e-3
LOG_BOUNDS = (-7.0, 4.0)
"""Of inverse length scales: at the lower one a feature does not matter."""
LOG_NOISE_BOUNDS = (math.log(JITTER), 2.0)
FAILED = 1e10
"""Negative logarithm of the likelihood where the covariance cannot be inverted."""


@dataclass(frozen=True)
class GaussianProcess:
    """A fitted process with the covariance ``s**2 * (exp(-|u * (p - q)|**2 / 2) + noise * [p is q])``.

    Args:
        features: the rows that it is fitted to, each feature of mean 0 and variance 1, ``(rows, features)``.
        goal: of mean 0 and variance 1, ``(rows,)``.
        logs: logarithms of the inverse length scales u, and of the noise last, ``(features + 1,)``.
        weights: of the rows' covariances in the mean of the process, ``(rows,)``.
        left_out: what is left of the goal at each row when the others predict it, ``(rows,)``.
        loss: the negative logarithm of the marginal likelihood, but for a constant.
    """

    features: FloatArray
    goal: FloatArray
    logs: FloatArray
    weights: FloatArray
    left_out: FloatArray
    loss: float

    @property
    def inverse_lengths(self) -> FloatArray:
        """How fast the process varies with each feature, ``(features,)``; 0 for one that does not matter."""
        return np.exp(self.logs[:-1])

    @property
    def unexplained(self) -> float:
        """Share of the goal's variance that the other rows do not predict."""
        return float(np.mean(self.left_out**2) / np.mean(self.goal**2))

    def predict(self, features: FloatArray) -> FloatArray:
        """The mean of the process, ``(rows,)``."""
        return _covariance(features, self.features, self.inverse_lengths) @ self.weights

    def gradients(self, features: FloatArray) -> FloatArray:
        """Derivatives of the mean by every feature, ``(rows, features)``."""
        weighted = _covariance(features, self.features, self.inverse_lengths) * self.weights
        slopes = weighted @ self.features - weighted.sum(1, keepdims=True) * features
        return np.asarray(slopes * self.inverse_lengths**2)

    def without(self, kept: BoolArray, iterations: int, deadline: Deadline = NO_DEADLINE) -> "GaussianProcess":
        """The process of some features alone, fitted from here."""
        start = np.append(self.logs[:-1][kept], self.logs[-1])
        return fit_gaussian_process(self.features[:, kept], self.goal, start, iterations, deadline)


def start_of(features: int) -> FloatArray:
    """Logarithms to start from, ``(features + 1,)``."""
    return np.append(np.full(features, -math.log(START_LENGTH)), math.log(START_NOISE))


def fit_gaussian_process(
    features: FloatArray, goal: FloatArray, start: FloatArray, iterations: int, deadline: Deadline = NO_DEADLINE
) -> GaussianProcess:
    """The process of the largest marginal likelihood near a start, by L-BFGS.

    One iteration on 400 rows takes some 15 ms.

    Args:
        features: ``(rows, features)``.
        goal: ``(rows,)``.
        start: see ``GaussianProcess.logs``.
        iterations: at most.
        deadline: checked before every step.

    Raises:
        DeadlineError: it has passed.
    """

    def loss(logs: FloatArray) -> tuple[float, FloatArray]:
        deadline.check()
        found = _Likelihood.at(features, goal, logs)
        return (FAILED, np.zeros_like(logs)) if found is None else (found.loss, found.gradient(features, logs))

    bounds = [LOG_BOUNDS] * features.shape[1] + [LOG_NOISE_BOUNDS]
    options = {"maxiter": iterations, "ftol": 1e-6}
    logs = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return gaussian_process_at(features, goal, logs)


def gaussian_process_at(features: FloatArray, goal: FloatArray, logs: FloatArray) -> GaussianProcess:
    """The process with given length scales and noise, see ``GaussianProcess.logs``."""
    found = _Likelihood.at(features, goal, logs)
    if found is None:
        return GaussianProcess(features, goal, logs, np.zeros(len(goal)), goal, FAILED)
    return GaussianProcess(features, goal, logs, found.weights, found.weights / np.diag(found.inverse), found.loss)


@dataclass(frozen=True)
class _Likelihood:
    """The likelihood at some logarithms: kernel and inverse covariance ``(rows, rows)``, weights ``(rows,)``."""

    kernel: FloatArray
    inverse: FloatArray
    weights: FloatArray
    variance: float
    loss: float

    @classmethod
    def at(cls, features: FloatArray, goal: FloatArray, logs: FloatArray) -> "_Likelihood | None":
        """None where the covariance cannot be inverted."""
        kernel = _covariance(features, features, np.exp(logs[:-1]))
        covariance = kernel.copy()
        covariance.flat[:: len(goal) + 1] += np.exp(logs[-1]) + JITTER
        triangle, failed = scipy.linalg.lapack.dpotrf(covariance, lower=1, overwrite_a=1)
        if failed:
            return None
        half = np.tril(scipy.linalg.lapack.dpotri(triangle, lower=1)[0])
        inverse = half + np.tril(half, -1).T
        weights = inverse @ goal
        variance = max(float(goal @ weights) / len(goal), 1e-300)
        loss = len(goal) / 2 * math.log(variance) + float(np.log(np.diag(triangle)).sum())
        return cls(kernel, inverse, weights, variance, loss)

    def gradient(self, features: FloatArray, logs: FloatArray) -> FloatArray:
        """Derivatives of the loss by the logarithms, ``(features + 1,)``."""
        excess = self.inverse - np.outer(self.weights, self.weights) / self.variance
        by_noise = np.trace(excess) / 2 * np.exp(logs[-1])
        excess *= self.kernel
        distances = features.T**2 @ excess.sum(1) - ((excess @ features) * features).sum(0)
        return np.append(-distances * np.exp(2 * logs[:-1]), by_noise)


def _covariance(left: FloatArray, right: FloatArray, inverse_lengths: FloatArray) -> FloatArray:
    a, b = left * inverse_lengths, right * inverse_lengths
    squares = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.asarray(np.exp(-np.maximum(squares, 0.0) / 2))
