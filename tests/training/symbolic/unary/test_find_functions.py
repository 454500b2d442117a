"""Laws with functions are found, and exact beyond the table's range; the oracle is NumPy."""

from collections.abc import Callable

import numpy as np
import pytest

from models.arrays import FloatArray
from training.metrics import predict
from training.symbolic import find_law
from training.symbolic.search_space import FUNCTIONS, SearchSpace
from training.symbolic.unary.additive_scans import additive_candidates
from training.symbolic.unary.amplitudes import waves_with_amplitudes
from training.symbolic.unary.inverse_functions import view_candidates
from training.symbolic.unary.stages import (
    functions_in_sums,
    functions_of_a_product,
    functions_with_decays,
    waves_of_two_products,
)
from training.symbolic.unary.table import LogTable

X = np.random.default_rng(0).uniform(0.5, 2.0, (200, 4))
BEYOND = np.random.default_rng(1).uniform(2.0, 3.0, (50, 4))


def decay(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(2.5 * a * np.exp(-b / (0.7 * c)))


def stretched(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(a * np.sqrt(b**2 + 3 * c**2))


def planck(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(2 * a**3 / (np.exp(0.7 * b / c) - 1))


@pytest.mark.slow
@pytest.mark.parametrize("law", [decay, stretched, planck])
def test_a_law_with_a_function_is_exact_beyond_its_table(law: Callable[[FloatArray], FloatArray]) -> None:
    found = find_law(X, law(X)[:, None], seconds=60)
    assert found.reason is None
    np.testing.assert_allclose(predict(found.network, BEYOND)[:, 0], law(BEYOND), rtol=1e-12)


@pytest.mark.parametrize(("functions", "proposed"), [(("exp", "sin"), {"exp"}), (("sin", "log"), set()), ((), set())])
def test_only_chosen_functions_are_proposed(functions: tuple[str, ...], proposed: set[str]) -> None:
    space, random = SearchSpace(functions=functions), np.random.default_rng(0)
    found = functions_of_a_product(X, decay(X), random, space=space, outstanding=True)
    names = {feature.function for part in found for candidate in part for feature in candidate.features}
    assert names == proposed


def gap(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(np.sqrt((a - b) ** 2 + 0.7 * c))


def bell(x: FloatArray) -> FloatArray:
    a, b, _, d = x.T
    return np.asarray(-2 * d * np.exp(-((a - b) ** 2) / 3))


def logarithm(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(np.log(3 * a * b + c))


@pytest.mark.parametrize("law", [gap, bell, logarithm])
def test_a_sum_is_seen_through_the_inverse_of_a_function(law: Callable[[FloatArray], FloatArray]) -> None:
    found = [each.predict(BEYOND) for each in view_candidates(X, law(X), FUNCTIONS)]
    assert min(float(np.abs(values / law(BEYOND) - 1).max()) for values in found) < 1e-9


def wave(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(1.5 * a * np.sin(5 * b + 0.4) + c)


def fading(x: FloatArray) -> FloatArray:
    a, b, _, _ = x.T
    return np.asarray(a * np.exp(-0.8 * b) * np.cos(6 * b))


def slightly_bent(x: FloatArray) -> FloatArray:
    a, _, c, _ = x.T
    return np.asarray(np.sqrt(0.656 * a + 3.15) + 0.235 * c)


def rooted(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(np.sqrt(a * b + c) + 2 * c)


@pytest.mark.slow
@pytest.mark.parametrize(("law", "columns"), [(wave, 3), (fading, 2), (rooted, 3), (slightly_bent, 3)])
def test_a_function_beside_other_terms_is_exact(law: Callable[[FloatArray], FloatArray], columns: int) -> None:
    found = list(additive_candidates(X[:, :columns], law(X), np.random.default_rng(0), FUNCTIONS))
    assert found
    np.testing.assert_allclose(found[0].predict(BEYOND[:, :columns]), law(BEYOND), rtol=1e-9)


def damped(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(a * np.exp(-1.3 * b) * np.cos(b * c))


def oscillator(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(np.exp(-b / (2 * c)) * np.sin(5 * a + 0.4) / c)


def relaxation(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(3 * a * np.exp(-0.7 * c) * np.tanh(0.6 * b * c))


@pytest.mark.slow
@pytest.mark.parametrize("law", [damped, oscillator, relaxation])
def test_a_function_with_a_decay_is_exact_beyond_its_table(law: Callable[[FloatArray], FloatArray]) -> None:
    found = next(functions_with_decays(X[:, :3], law(X), np.random.default_rng(0)))
    errors = [float(np.abs(each.predict(BEYOND[:, :3]) / law(BEYOND) - 1).max()) for each in found]
    assert min(errors) < 1e-9


def turned(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(a * np.cos(2.7 * c) + b * np.sin(2.7 * c))


def lifted(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(3 * np.sin(2.2 * b * c + 0.4) + a**2)


@pytest.mark.parametrize("law", [turned, lifted])
def test_columns_as_amplitudes_of_waves_are_exact(law: Callable[[FloatArray], FloatArray]) -> None:
    found = next(waves_with_amplitudes(X[:, :3], law(X), np.random.default_rng(0), FUNCTIONS))
    np.testing.assert_allclose(found.predict(BEYOND[:, :3]), law(BEYOND), rtol=1e-9)


def standing(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(a**2 * np.sin(3 * b) * np.cos(4 * c))


def travelling(x: FloatArray) -> FloatArray:
    a, b, c, _ = x.T
    return np.asarray(np.cos(5 * b - 3 * c) / a)


@pytest.mark.slow
@pytest.mark.parametrize("law", [standing, travelling])
def test_waves_of_two_columns_are_exact_beyond_their_table(law: Callable[[FloatArray], FloatArray]) -> None:
    found = next(waves_of_two_products(X[:, :3], law(X), np.random.default_rng(0)))
    errors = [float(np.abs(each.predict(BEYOND[:, :3]) / law(BEYOND) - 1).max()) for each in found]
    assert min(errors) < 1e-9


@pytest.mark.parametrize("size", [0.6, 5.0])
def test_the_logarithm_of_one_and_a_small_column_is_exact(size: float) -> None:
    law = X[:, 0] * np.log(1 + X[:, 1] / size)
    found = next(functions_of_a_product(X[:, :2], law, np.random.default_rng(0)))
    values = [each.predict(BEYOND[:, :2]) / (BEYOND[:, 0] * np.log(1 + BEYOND[:, 1] / size)) for each in found]
    assert min(float(np.abs(ratio - 1).max()) for ratio in values) < 1e-9


def test_no_function_of_a_code_is_proposed() -> None:
    code = np.random.default_rng(2).integers(1, 6, 200).astype(np.float64)
    inputs = np.column_stack([code, X[:, 0]])
    price = np.array([3.0, 3.7, 5.9, 6.4, 11.3])[code.astype(int) - 1] * X[:, 0]
    random = np.random.default_rng(0)
    assert list(functions_in_sums(inputs, price, random)) == list(view_candidates(inputs, price, FUNCTIONS)) == []


def test_a_column_of_signs_has_no_logarithms_and_does_no_harm() -> None:
    random = np.random.default_rng(0)
    x = np.column_stack([random.uniform(1, 10, 100), random.choice([-1.0, 1.0], 100)])
    table = LogTable.of(x, x[:, 0] * x[:, 1], random)
    assert table is not None
    assert np.isfinite(table.basis).all()
    assert table.basis.shape[1] == 2
