"""Whether rows are evidence enough for a formula: codes, approximants, functions and honest laws."""

import numpy as np
import pytest

from training.symbolic.acceptance import LEARNABLE, rejection_reason
from training.symbolic.candidate import Candidate, Feature
from training.symbolic.evidence.missing_evidence import missing_evidence
from training.symbolic.evidence.single_index import single_index
from training.symbolic.evidence.systematic import is_systematic
from training.symbolic.search import search

RANDOM = np.random.default_rng(3)
Q = RANDOM.uniform(1, 10, 120)


def law(
    exponents: list[list[float]], constants: list[float], below: int = 0, features: tuple[Feature, ...] = ()
) -> Candidate:
    """A sum of terms, over the last ``below`` of them."""
    W = np.array(exponents, dtype=np.float64)
    index = np.repeat([0, 1], [len(W) - below, below])
    powers = np.array([1.0, -1.0] if below else [1.0])
    return Candidate(W, np.ones(W.shape), np.array(constants), index, powers, features)


def approximant(x: np.ndarray, y: np.ndarray, above: list[list[float]], below: list[list[float]]) -> Candidate:
    """The sum over a sum that fits best, by least squares repeated with rows weighted by the denominator."""
    W, n = np.array(above + below, dtype=np.float64), len(above)
    terms, denominator = (x[:, None] ** W).prod(2), np.ones(len(x))
    for _ in range(20):
        A = np.hstack([terms[:, :n], -y[:, None] * terms[:, n + 1 :]]) / denominator[:, None]
        scale = np.linalg.norm(A, axis=0)
        constants = np.linalg.lstsq(A / scale, y * terms[:, n] / denominator, rcond=None)[0] / scale
        denominator = terms[:, n] + terms[:, n + 1 :] @ constants[n:]
    return law(W.tolist(), [*constants[:n], 1.0, *constants[n:]], len(below))


@pytest.mark.parametrize("span", [(2.0, 2.6), (1.0, 3.0), (0.5, 3.5)])
@pytest.mark.parametrize("rows", [60, 300])
@pytest.mark.parametrize("function", [np.sin, np.exp, np.tanh])
def test_an_approximant_of_twelve_terms_is_no_law_however_well_it_fits(
    span: tuple[float, float], rows: int, function: np.ufunc
) -> None:
    x = np.stack([RANDOM.uniform(*span, rows), RANDOM.uniform(1, 5, rows)], 1)
    target = function(x[:, 0]) + x[:, 1]
    above = [[power, 0] for power in range(5)] + [[power, 1] for power in range(3)]
    found = approximant(x, target, above, [[power, 0] for power in range(4)])
    assert len(found.constants) == 12
    assert np.abs(found.predict(x) / target - 1).max() < 1e-4
    assert rejection_reason(found, x, target) is not None


@pytest.mark.parametrize("levels", [3, 4, 5])
def test_a_formula_through_the_prices_of_a_few_codes_is_a_table(levels: int) -> None:
    prices = np.random.default_rng(levels).uniform(1, 9, levels)
    codes = np.arange(120) % levels + 1.0
    powers = np.arange(levels)
    constants = np.linalg.solve(np.arange(1.0, levels + 1)[:, None] ** (0.5 * powers), prices)
    exact = law([[0.5 * power, 1] for power in powers.tolist()], constants.tolist())
    x = np.stack([codes, Q], 1)
    target = prices[codes.astype(int) - 1] * Q
    assert exact.predict(x) == pytest.approx(target, rel=1e-9)
    sentence = f"column 'size' has {levels} values; a formula in it cannot be told from a table of {levels} constants"
    assert rejection_reason(exact, x, target, names=["size", "quantity"]) == sentence


@pytest.mark.slow
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_simple_law_of_three_codes_is_a_law(noise: float) -> None:
    x = np.stack([np.arange(120) % 3 + 1.0, Q], 1)
    target = x[:, 0] * Q * (1 + noise * RANDOM.standard_normal(120))
    found = search(x, target)
    assert found.reason is None
    assert found.candidate.exponents.tolist() == [[1.0, 1.0]]


def test_a_switch_needs_no_levels_between() -> None:
    x = np.stack([np.arange(120) % 2.0, Q], 1)
    assert rejection_reason(law([[1, 1]], [3.0]), x, 3 * x[:, 0] * Q) is None


def test_two_values_are_no_evidence_for_a_power() -> None:
    x = np.stack([np.arange(120) % 2 + 1.0, Q], 1)
    reason = rejection_reason(law([[2, 1]], [1.0]), x, x[:, 0] ** 2 * Q)
    assert reason == "column 'x0' has 2 values; a formula in it cannot be told from a table of 2 constants"


def inner(exponents: list[list[float]], constants: list[float]) -> Candidate:
    return law(exponents, constants)


FUNCTIONS = {
    "2.5 b exp(-0.3 a)": law([[0, 1, 1]], [2.5], 0, (Feature("exp", (inner([[1, 0]], [-0.3]),)),)),
    "sin(0.37 a + 0.21 b)": law([[0, 0, 1]], [1.0], 0, (Feature("sin", (inner([[1, 0], [0, 1]], [0.37, 0.21]),)),)),
    "3 / (exp(a / b) - 1)": law(
        [[0, 0, 0], [0, 0, 1], [0, 0, 0]], [3.0, 1.0, -1.0], 2, (Feature("exp", (inner([[1, -1]], [1.0]),)),)
    ),
    "min(a, b)": law([[0, 0, 1]], [1.0], 0, (Feature("min", (inner([[1, 0]], [1.0]), inner([[0, 1]], [1.0]))),)),
}


@pytest.mark.parametrize("noise", [0.0, 0.003])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_law_with_a_function_has_evidence_enough_in_many_rows(name: str, noise: float) -> None:
    x = RANDOM.uniform(1, 5, (300, 2))
    assert missing_evidence(FUNCTIONS[name], x, noise) is None


def test_a_function_of_a_few_codes_is_a_table_unless_it_is_simple() -> None:
    x = np.stack([np.arange(120) % 3 + 1.0, Q], 1)
    wave = law([[0, 1, 1]], [np.e / 2], 0, (Feature("sin", (inner([[1, 0], [0, 0]], [np.sqrt(0.7), np.sqrt(0.3)]),)),))
    reason = missing_evidence(wave, x, 1e-15, ["size", "quantity"])
    assert reason == "column 'size' has 3 values; a formula in it cannot be told from a table of 3 constants"


def test_a_code_inside_a_function_of_two_columns_is_tested_too() -> None:
    x = np.stack([np.arange(120) % 2 + 1.0, Q], 1)
    wave = law([[0, 0, 1]], [1.0], 0, (Feature("sin", (inner([[1, 0], [0, 1]], [0.37, 0.21]),)),))
    assert "column 'x0' has 2 values" in str(missing_evidence(wave, x, 1e-15))


def test_a_function_of_a_sum_is_one_formula_of_one_variable() -> None:
    x = RANDOM.uniform(1, 3, (300, 2))
    exponents = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    quotient = law(exponents, [0.31, 1.7, 1.7, 1.0, 0.29, 0.29], 3)
    assert missing_evidence(quotient, x, 1e-15) is None
    one = single_index(quotient, x)
    assert one is not None
    assert one.reason(1e-15, "ab") is None
    assert "'a' and 'b'" in str(one.reason(0.01, "ab"))
    assert single_index(law([[1, 0], [0, 2]], [1.0, 1.0]), x) is None


def test_an_exact_fit_whose_small_errors_follow_from_a_column_is_no_law() -> None:
    x = RANDOM.uniform(1, 5, (200, 2))
    product = law([[1, 1]], [1.0])
    assert rejection_reason(product, x, x.prod(1) * (1 + 1e-8 * np.sin(x[:, 0]))) == LEARNABLE
    assert rejection_reason(product, x, x.prod(1) * (1 + 1e-8 * RANDOM.standard_normal(200))) is None


def test_fitted_exponents_count_like_constants() -> None:
    x = np.stack([np.arange(120) % 5 + 1.0, Q], 1)
    decay = Feature("exp", (inner([[1, 0]], [-1.427582774408]),))
    exponents = np.array([[2.92353029579264, 1, 0], [0, 0, 1], [0, 0, 0]])
    constants = np.array([0.4491970997377, 396.9426524464, 1.0])
    powers = np.array([1.0, 0.983032855964437])
    five = Candidate(exponents, np.ones((3, 3)), constants, np.array([0, 1, 1]), powers, (decay,))
    prices = np.round((five.predict(x) / Q)[:5])
    assert five.predict(x) == pytest.approx(prices[x[:, 0].astype(int) - 1] * Q, rel=1e-9)
    reason = rejection_reason(five, x, prices[x[:, 0].astype(int) - 1] * Q, names=["size", "quantity"])
    assert reason == "column 'size' has 5 values; a formula in it cannot be told from a table of 5 constants"


def test_a_noisy_quotient_in_one_product_is_told_from_few_smooth_functions_of_it() -> None:
    x = RANDOM.uniform(1, 10, (2000, 2))
    quotient = law([[1, 1], [0, 0], [0.5, 0.5], [-0.5, -0.5]], [32.9, 23.6, 1.0, 444.0], 2)
    assert "'x0' and 'x1'" in str(missing_evidence(quotient, x, 0.01))
    coupled = law([[1, 1], [0, 2], [1, 0], [0, 1]], [1.0, 1.0, 1.0, 2.01], 2)
    assert missing_evidence(coupled, x, 0.01) is None


def test_three_terms_in_one_product_that_imitate_a_smooth_function_within_the_noise_are_no_law() -> None:
    x = np.random.default_rng(8).uniform(1, 10, (200, 2))
    like_log_gamma = law([[1.5, 1.5], [2, 2], [0, 0]], [0.083, -0.0022, 0.06])
    assert "'x0' and 'x1'" in str(missing_evidence(like_log_gamma, x, 0.01))
    assert missing_evidence(law([[1, 1], [0, 0]], [3.0, 2.0]), x, 0.01) is None


def test_rows_at_an_end_of_a_column_that_lie_to_one_side_are_systematic() -> None:
    random = np.random.default_rng(5)
    x = random.uniform(1, 10, (160, 2))
    product = x[:, 0] * x[:, 1]
    noise = 0.05 * random.standard_normal(160)
    cut_off = np.minimum(x[:, 0], 8.5) * x[:, 1] / product - 1
    own = np.ones((160, 1))  # of the constant before the product
    assert is_systematic(x, noise + cut_off, own)
    assert not is_systematic(x, noise, own)


def test_noise_that_is_larger_at_an_end_is_seldom_systematic() -> None:
    random, x = np.random.default_rng(6), np.random.default_rng(7).uniform(1, 10, (80, 2))
    sizes = np.where(x[:, 0] > 8.5, 3.0, 1.0)
    found = sum(is_systematic(x, sizes * random.standard_normal(80), np.ones((80, 1))) for _ in range(200))
    assert found <= 4


def test_a_few_stray_rows_in_one_half_of_the_rows_refuse_no_law() -> None:
    random = np.random.default_rng(0)
    x = random.uniform(1, 5, (200, 2))
    y = 2 * x[:, 0] * x[:, 1] * (1 + 1e-3 * random.normal(size=200))
    half = np.flatnonzero(np.random.default_rng(0).permutation(200) % 2 == 0)  # as acceptance draws it
    y[half[:60:20]] *= [1.1, 0.92, 1.08]
    assert rejection_reason(law([[1.0, 1.0]], [2.0]), x, y) is None


def test_a_function_that_is_constant_in_all_rows_but_one_tells_nothing() -> None:
    x = np.random.default_rng(0).uniform(1, 10, (300, 2))
    steep = Feature("tanh", (inner([[0.0, 0.0], [-2.0, 1.0]], [714.2, -802.0]),))
    candidate = law([[1.0, 1.0, -2.0]], [1.0], features=(steep,))
    assert missing_evidence(candidate, x, 1e-15) == ("in all rows but 1 the formula in 'x0' and 'x1' is a constant")
