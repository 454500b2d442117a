"""Features: functions of inner laws as columns of a candidate; the oracle is NumPy."""

import numpy as np
import pytest
import torch

from training.symbolic.all_constants import all_constants, fitted_places, linearised, with_constants, without_terms
from training.symbolic.candidate import Candidate, Feature, signs_of
from training.symbolic.constants import fit_constants
from training.symbolic.formula import formula
from training.symbolic.functions import FUNCTIONS
from training.symbolic.scaling import Scaling

X = np.random.default_rng(0).uniform(0.2, 0.9, (200, 3))
a, b, c = X.T


def candidate(
    exponents: list[list[float]],
    constants: list[float],
    *features: Feature,
    sums: tuple[int, ...] = (),
    powers: tuple[float, ...] = (1.0,),
) -> Candidate:
    W = np.array(exponents, dtype=np.float64)
    made = Candidate(
        W, np.ones_like(W), np.array(constants), np.array(sums or [0] * len(W)), np.array(powers), tuple(features)
    )
    return Candidate(W, signs_of(W, made.columns(X)), *(made.constants, made.sum_index, made.sum_exponents), features)


PLANCK = candidate(
    [[3, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
    [2.0, 1.0, -1.0],
    Feature("exp", (candidate([[1, -1, 0]], [0.7]),)),
    sums=(0, 1, 1),
    powers=(1.0, -1.0),
)
WAVE = candidate([[1, 0, 0, 1], [0, 0, 1, 0]], [3.0, 0.5], Feature("cos", (candidate([[0, 1, 1], [0, 0, 0]], [4, 1]),)))
GAP = candidate(
    [[1, 0, 0, 0], [0, 0, 0, 2], [0, 0, 0, 0]],
    [5.0, 1.0, 0.3],
    Feature("identity", (candidate([[0, 1, 0], [0, 0, 1]], [1, -1]),)),
    sums=(0, 1, 1),
    powers=(1.0, -1.0),
)
NEARER = candidate(
    [[0, 1, 0, 1]], [2.0], Feature("min", (candidate([[1, 0, 0]], [1.0]), candidate([[0, 0, 1]], [1.5])))
)
GROWTH = candidate([[0, 0, 1, 1], [0, 0, 0, 0]], [2, 1], *PLANCK.features)
NESTED = candidate([[0, 0, 0, 1]], [1.0], Feature("log", (GROWTH,)))
LAWS = {
    "2 * a**3 / (exp(0.7 * a / b) - 1)": (PLANCK, 2 * a**3 / (np.exp(0.7 * a / b) - 1)),
    "0.5 * c + 3 * a * cos(4 * b * c + 1)": (WAVE, 3 * a * np.cos(4 * b * c + 1) + 0.5 * c),
    "5 * a / ((b - c)**2 + 0.3)": (GAP, 5 * a / ((b - c) ** 2 + 0.3)),
    "2 * b * min(a, 1.5 * c)": (NEARER, 2 * b * np.minimum(a, 1.5 * c)),
    "log(2 * c * exp(0.7 * a / b) + 1)": (NESTED, np.log(2 * c * np.exp(0.7 * a / b) + 1)),
}


@pytest.mark.parametrize("text", LAWS)
def test_a_candidate_with_features_its_network_and_its_formula_agree(text: str) -> None:
    made, expected = LAWS[text]
    np.testing.assert_allclose(made.predict(X), expected, rtol=1e-12)
    network = made.network()
    with torch.no_grad():
        for module in (network, network.simplified()):
            np.testing.assert_allclose(module(torch.from_numpy(X)).numpy()[:, 0], expected, rtol=1e-12)
    found = formula(network, ["a", "b", "c"])
    assert found is not None
    names = {"a": a, "b": b, "c": c, "min": np.minimum, **{name: getattr(np, name) for name in ("exp", "cos", "log")}}
    np.testing.assert_allclose(eval(found.text, names), expected, rtol=1e-12)


@pytest.mark.parametrize("made", [made for made, _ in LAWS.values()], ids=LAWS)
def test_derivatives_are_the_slopes_of_predictions(made: Candidate) -> None:
    constants = all_constants(made)
    values, slopes = linearised(made, X)
    np.testing.assert_allclose(values, made.predict(X), rtol=1e-12)
    for place, step in enumerate(1e-6 * np.eye(len(constants))):
        above, below = (with_constants(made, constants + sign * step).predict(X) for sign in (1, -1))
        np.testing.assert_allclose(slopes[:, place], (above - below) / 2e-6, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("min", "max")])
def test_slopes_of_functions_are_those_of_their_values(name: str) -> None:
    function = FUNCTIONS[name]
    slope = (function.value(a + 1e-7) - function.value(a - 1e-7)) / 2e-7
    np.testing.assert_allclose(function.slopes(a)[0], slope, rtol=1e-6)


@pytest.mark.parametrize(("text", "share"), [(text, share) for text in list(LAWS)[:4] for share in (0.8, 1.2)])
def test_inner_constants_are_fitted_with_the_outer_ones(text: str, share: float) -> None:
    made, expected = LAWS[text]
    constants = all_constants(made)
    fitted = fitted_places(made)
    start = constants.copy()
    start[fitted] *= share
    found = fit_constants(with_constants(made, start), X, expected)
    assert any(np.allclose(law.predict(X), expected, rtol=1e-10) for law in found)
    assert all(np.allclose(all_constants(law), constants, rtol=1e-9) for law in found)


def test_a_scale_that_the_terms_take_up_is_not_fitted() -> None:
    assert fitted_places(GAP) == [0, 2, 4]
    assert fitted_places(PLANCK) == [0, 2, 3]
    assert fitted_places(NEARER) == [0, 2]


def test_a_feature_without_a_term_is_dropped() -> None:
    assert without_terms(WAVE, [1]) is not None
    shorter = without_terms(WAVE, [0])
    assert shorter is not None
    assert shorter.features == ()
    np.testing.assert_allclose(shorter.predict(X), 0.5 * c)
    assert without_terms(PLANCK, [0]) is None
    shifted = without_terms(WAVE, [3])
    assert shifted is not None
    np.testing.assert_allclose(shifted.predict(X), 3 * a * np.cos(4 * b * c) + 0.5 * c)


def test_columns_inside_features_count_as_used_and_move_with_the_table() -> None:
    assert PLANCK.used.tolist() == [True, True, False]
    places = np.array([True, False, True, True])
    wide = np.insert(X, 1, 7.0, axis=1)
    np.testing.assert_array_equal(PLANCK.widened(places).predict(wide), PLANCK.predict(X))
    np.testing.assert_array_equal(PLANCK.widened(places).of_columns(places).predict(X), PLANCK.predict(X))


def test_columns_of_extreme_size_are_restored_inside_features() -> None:
    scaling = Scaling(np.array([36, -36, 0]), 48)
    with np.errstate(all="raise"):
        restored = scaling.restored(PLANCK)
        np.testing.assert_allclose(restored.predict(X * [1e36, 1e-36, 1]) / 1e48, PLANCK.predict(X), rtol=1e-9)


def test_complexity_counts_what_is_inside_functions() -> None:
    # 2, the exponents 3 and 1, the outer power, and one; in the function 0.7, two exponents, and one
    assert PLANCK.complexity == 5 + 4
