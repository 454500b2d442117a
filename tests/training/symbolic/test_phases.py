import numpy as np
import pytest

from training.symbolic.candidate import Candidate, Feature
from training.symbolic.constants import fit_constants
from training.symbolic.phases import with_other_phases
from training.symbolic.unary.build import sum_of

X = np.random.default_rng(0).uniform(1, 5, (200, 2))
"""Rows of ``a`` and ``b``."""


def wave(function: str, factor: float, phase: float) -> Candidate:
    """``factor*b*function(1.5*a + phase)``."""
    angle = sum_of(np.array([[1.0, 0], [0, 0]]), np.array([1.5, phase]), X)
    return sum_of(np.array([[0.0, 1, 1]]), np.array([factor]), X, (Feature(function, (angle,)),))


@pytest.mark.parametrize("function", ["sin", "cos"])
def test_a_wave_with_another_phase_predicts_the_same(function: str) -> None:
    candidate = wave(function, 2.0, 0.3)
    others = list(with_other_phases(candidate))
    assert {other.features[0].function for other in others} == {"sin", "cos"}
    for other in others:
        np.testing.assert_allclose(other.predict(X), candidate.predict(X), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("factor", "phase"), [(2.0, 0.167), (-2.0, 0.167), (2.0, -1.2), (2.0, 3.0)])
def test_the_phase_of_fewest_digits_is_written(factor: float, phase: float) -> None:
    target = factor * X[:, 1] * np.cos(1.5 * X[:, 0] + phase)
    for start in (wave("sin", factor, phase + np.pi / 2), wave("sin", -factor, phase - np.pi / 2)):
        fitted = fit_constants(start, X, target)[0]
        assert fitted.features[0].function == "cos"
        np.testing.assert_allclose(fitted.features[0].arguments[0].constants, [1.5, phase], rtol=1e-12)
        np.testing.assert_allclose(fitted.constants, [factor], rtol=1e-12)
