from dataclasses import replace

import numpy as np
import pytest

from training.symbolic.all_constants import all_constants, with_constants
from training.symbolic.candidate import Candidate, Feature, signs_of
from training.symbolic.shared_scale import scalings
from training.symbolic.unary.build import sum_of

X = np.random.default_rng(0).uniform(1, 5, (100, 2))
"""Rows of ``a`` and ``b``."""
INSIDE = sum_of(np.array([[1.0, 0], [0, 0]]), np.array([0.25, 1.0]), X, power=0.5)
BESIDE = sum_of(np.array([[0.0, 1, 0], [0, 0, 1]]), np.array([0.3, -3.0]), X, (Feature("identity", (INSIDE,)),))
"""``0.3*b - 3*sqrt(0.25*a + 1)``."""


def test_a_factor_before_a_root_may_stand_inside() -> None:
    ways = [with_constants(BESIDE, scaling.constants) for scaling in scalings(BESIDE)]
    for way in ways:
        np.testing.assert_allclose(way.predict(X), BESIDE.predict(X), rtol=1e-14)
    assert [way.constants.tolist() for way in ways] == [[0.3, -3.0], [0.3, -1.0]]
    assert ways[1].features[0].arguments[0].constants.tolist() == [2.25, 9.0]


QUOTIENT = Candidate(
    W := np.array([[1.0, 0], [0, 1], [1, 1], [0, 0]]),
    signs_of(W, X),
    np.array([2.0, -0.5, 3.0, 0.7]),
    np.array([0, 0, 1, 1]),
    np.array([1.0, -1]),
)
PRODUCT = replace(QUOTIENT, sum_exponents=np.array([1.0, 0.5]))


@pytest.mark.parametrize("candidate", [BESIDE, QUOTIENT, PRODUCT])
def test_relative_changes_of_constants_go_through_a_scaling_as_its_powers_say(candidate: Candidate) -> None:
    before = all_constants(candidate)
    changes = np.random.default_rng(1).normal(size=len(before)) * 1e-6
    changed = with_constants(candidate, before * np.exp(changes))
    ways = list(zip(scalings(candidate), scalings(changed), strict=True))
    assert len(ways) >= 2
    for way, other in ways:
        np.testing.assert_allclose(np.log(other.constants / way.constants), way.powers @ changes, atol=1e-10)
        np.testing.assert_allclose(
            with_constants(candidate, way.constants).predict(X), candidate.predict(X), rtol=1e-13
        )
