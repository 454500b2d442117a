"""A search tries the laws that its space allows, and no others."""

from dataclasses import replace

import numpy as np
import pytest

from training.symbolic.dictionary import HALF_EXPONENTS, WHOLE_EXPONENTS, Dictionary
from training.symbolic.search import search
from training.symbolic.search_space import ANY_LAW, SearchSpace

random = np.random.default_rng(5)
X = random.uniform(1, 5, (150, 3))
A, B, C = X.T


def test_any_law_leaves_powers_and_terms_to_the_stages() -> None:
    assert ANY_LAW.of_powers(HALF_EXPONENTS) == HALF_EXPONENTS
    assert ANY_LAW.has_terms(100)


def test_chosen_powers_are_tried_beside_1_and_only_where_the_column_can_have_them() -> None:
    space = SearchSpace(exponents=(-3.0, 0.5, 3.0))
    assert space.of_powers(HALF_EXPONENTS) == (-3, 0.5, 1, 3)
    assert space.of_powers(WHOLE_EXPONENTS) == (-3, 1, 3), "a column with negative values has no root"
    assert space.of_powers((1.0, 2.0)) == (1, 3), "a column with zeros has no inverse"


def test_the_dictionary_holds_the_chosen_powers() -> None:
    exponents = Dictionary.of(X, space=SearchSpace(exponents=(3.0,))).exponents
    assert set(np.unique(exponents)) == {0, 1, 3}


def test_a_sum_of_cubes_is_found_where_cubes_are_chosen() -> None:
    target = A**3 + 2 * B**3
    found = search(X[:, :2], target, space=SearchSpace(exponents=(1.0, 3.0)), rounds=1)
    assert found.reason is None
    assert found.candidate.exponents.max() == 3


@pytest.mark.parametrize("target", [A + B + C, A / (A + B + C)])
def test_a_law_of_more_terms_than_allowed_is_not_found(target: np.ndarray) -> None:
    found = search(X, target, space=SearchSpace(max_terms=2), rounds=0)
    assert found.reason is not None
    assert np.bincount(found.candidate.sum_index).max() <= 2
    assert search(X, A + B, space=replace(ANY_LAW, max_terms=2), rounds=0).reason is None
