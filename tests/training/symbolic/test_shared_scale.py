import numpy as np

from training.symbolic.all_constants import with_constants
from training.symbolic.candidate import Feature
from training.symbolic.shared_scale import scalings
from training.symbolic.unary.build import sum_of

X = np.random.default_rng(0).uniform(1, 5, (100, 2))
"""Rows of ``a`` and ``b``."""
INSIDE = sum_of(np.array([[1.0, 0], [0, 0]]), np.array([0.25, 1.0]), X, power=0.5)
BESIDE = sum_of(np.array([[0.0, 1, 0], [0, 0, 1]]), np.array([0.3, -3.0]), X, (Feature("identity", (INSIDE,)),))
"""``0.3*b - 3*sqrt(0.25*a + 1)``."""


def test_a_factor_before_a_root_may_stand_inside() -> None:
    ways = [with_constants(BESIDE, constants) for constants in scalings(BESIDE)]
    for way in ways:
        np.testing.assert_allclose(way.predict(X), BESIDE.predict(X), rtol=1e-14)
    assert [way.constants.tolist() for way in ways] == [[0.3, -3.0], [0.3, -1.0]]
    assert ways[1].features[0].arguments[0].constants.tolist() == [2.25, 9.0]
