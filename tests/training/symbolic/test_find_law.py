import itertools
from collections.abc import Callable

import numpy as np
import pytest
import sympy
import torch

from models.arrays import FloatArray
from training.symbolic import LawResult, find_law

RANDOM = np.random.default_rng(0)
POSITIVE = RANDOM.uniform(1, 10, (200, 3))
MIXED = RANDOM.uniform(-5, 5, (200, 3))
INTEGERS = RANDOM.integers(-4, 5, (200, 3)).astype(np.float64)
COLUMNS = ("a", "b", "c")


def find(inputs: FloatArray, target: FloatArray, **options: object) -> LawResult:
    columns = [f"x{place}" for place in range(inputs.shape[1])] if inputs.shape[1] != 3 else COLUMNS
    return find_law(inputs, target[:, None], columns=columns, **options)  # type: ignore[arg-type]


def predicted(finding: LawResult, inputs: FloatArray) -> FloatArray:
    with torch.no_grad():
        return finding.network(torch.from_numpy(inputs)).numpy()[:, 0]


def read(formula: str, inputs: FloatArray) -> FloatArray:
    """What the text of a formula says, as SymPy reads it."""
    names = [f"x{place}" for place in range(inputs.shape[1])] if inputs.shape[1] != 3 else COLUMNS
    symbols = {name: sympy.Symbol(name, real=True) for name in names}
    function = sympy.lambdify(list(symbols.values()), sympy.sympify(formula, locals=symbols), "numpy")
    return np.broadcast_to(np.asarray(function(*inputs.T), dtype=np.float64), len(inputs))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "law"),
    [
        (POSITIVE, lambda a, b, c: -2.5 * a / b**2),
        (POSITIVE, lambda a, b, c: np.pi * np.sqrt(a) * c**1.5),
        (POSITIVE, lambda a, b, c: a**0.3 * b**0.9 * c**1.5),
        (MIXED, lambda a, b, c: a * b**3 / c**2),
        (MIXED, lambda a, b, c: 2 * np.abs(a) * b),
        (MIXED, lambda a, b, c: 1.8 * a + 32),
        (MIXED, lambda a, b, c: -a - b),
        (MIXED, lambda a, b, c: (a + 2 * b) / (c - 9)),
        (MIXED, lambda a, b, c: (a + b) * (c - 3)),
        (MIXED, lambda a, b, c: (a - b) ** 2),
        (MIXED, lambda a, b, c: a * b + c**2 / 2),
        (POSITIVE, lambda a, b, c: np.hypot(a, b)),
        (POSITIVE, lambda a, b, c: a * b / (a + b)),
        (-POSITIVE, lambda a, b, c: np.sqrt(-a) * b),
        (INTEGERS, lambda a, b, c: a * b),
        (INTEGERS, lambda a, b, c: a * b - c),
        (INTEGERS, lambda a, b, c: np.hypot(a, c)),
        (POSITIVE * [1e12, 1e-12, 1], lambda a, b, c: a * b + c**2),
        (POSITIVE * 1e60, lambda a, b, c: a * b / c),
        (POSITIVE * [5e24, 7e22, 4e8], lambda a, b, c: 6.674e-11 * a * b / c**2),
        (POSITIVE.astype(np.float32).astype(np.float64), lambda a, b, c: (a * b / c).astype(np.float32)),
    ],
)
def test_network_and_formula_are_the_law_far_outside(inputs: FloatArray, law: Callable[..., FloatArray]) -> None:
    finding = find(inputs, law(*inputs.T).astype(np.float64))
    assert finding.reason is None
    assert finding.formula is not None
    assert finding.latex is not None
    far = 100 * inputs[(inputs != 0).all(1)]
    expected = law(*far.T)
    np.testing.assert_allclose(predicted(finding, far), expected, rtol=1e-9 if expected.dtype == np.float64 else 1e-6)
    np.testing.assert_allclose(read(finding.formula, far), predicted(finding, far), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("law", "written"),
    [
        (lambda a, b, c: 0.5 * a * b**2, "a * b**2 / 2"),
        (lambda a, b, c: a - 2 * c + 4, "a - 2 * c + 4"),
        (lambda a, b, c: a**2 / b, "a**2 / b"),
        (lambda a, b, c: np.sqrt(a) / b, "sqrt(a) / b"),
    ],
)
@pytest.mark.parametrize("noise", [0, 0.03])
def test_noise_of_three_percent_leaves_the_formula_as_it_is(
    law: Callable[..., FloatArray], written: str, noise: float
) -> None:
    inputs = np.random.default_rng(1).uniform(1, 10, (400, 3))
    target = law(*inputs.T)
    size = np.abs(target) if "+" not in written else target.std()
    finding = find(inputs, target + noise * size * np.random.default_rng(3).normal(size=400))
    assert sympy.simplify(sympy.sympify(finding.formula) - sympy.sympify(written)) == 0


@pytest.mark.parametrize("value", [0.0, 1.0, -3.0])
def test_a_column_that_never_changes_does_not_matter(value: float) -> None:
    inputs = np.column_stack([POSITIVE[:, :2], np.full(200, value)])
    target = (inputs[:, 0] + 2 * inputs[:, 1]) / (inputs[:, 0] + 9)
    finding = find(inputs, target)
    assert finding.formula is not None
    assert "c" not in finding.formula
    assert finding.network.config["in_features"] == 3
    np.testing.assert_allclose(predicted(finding, inputs), target, rtol=1e-9)


def test_one_column_is_a_table_too() -> None:
    x = POSITIVE[:, :1]
    assert find(x, x[:, 0] ** 2).formula == "x0**2"
    assert find(x, 3 / x[:, 0]).formula == "3 / x0"


def test_of_two_columns_that_are_the_same_one_is_enough() -> None:
    inputs = np.column_stack([POSITIVE[:, 0], POSITIVE[:, 0], POSITIVE[:, 1]])
    finding = find(inputs, inputs[:, 0] * inputs[:, 2])
    assert finding.formula in ("a * c", "b * c")


def test_ten_rows_are_enough_for_an_exact_product_and_five_for_none() -> None:
    for rows, formula in ((10, "a * b / c"), (5, None), (2, None)):
        x = POSITIVE[:rows]
        assert find(x, x[:, 0] * x[:, 1] / x[:, 2]).formula == formula


def test_without_a_law_there_is_a_network_and_a_reason_and_no_formula() -> None:
    finding = find(MIXED, np.sin(MIXED[:, 0]), seconds=0.3)
    assert (finding.formula, finding.latex) == (None, None)
    assert finding.reason
    assert np.isfinite(predicted(finding, MIXED)).all()


def test_the_limit_counts_the_seconds_of_the_clock() -> None:
    """An hour passes at each look at it, so that a limit of a day ends the search at once."""
    hours = itertools.count(0, 3600)
    finding = find(MIXED, np.sin(MIXED[:, 0]) + np.sin(MIXED[:, 1] ** 2), seconds=86_400, clock=lambda: next(hours))
    assert finding.reason
    assert finding.reason.startswith("the search stopped after 86400 s")


@pytest.mark.slow
def test_tables_that_never_change_are_no_error() -> None:
    assert find(np.ones((50, 3)), POSITIVE[:50, 0], seconds=0.3).reason
    assert find(np.zeros((50, 3)), POSITIVE[:50, 0], seconds=0.3).reason


@pytest.mark.slow
def test_the_seed_reproduces_a_law() -> None:
    target = MIXED[:, 0] * MIXED[:, 1] + MIXED[:, 2]
    first, second = (find(MIXED, target, seed=7).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_columns_have_names_of_their_own_without_names() -> None:
    assert find_law(POSITIVE, POSITIVE[:, :1] * POSITIVE[:, 2:]).formula == "x0 * x2"


@pytest.mark.parametrize(
    ("inputs", "target", "message"),
    [
        (
            POSITIVE,
            POSITIVE[:, 0],
            r"^inputs are \(rows, columns\) and target \(rows, 1\), got \(200, 3\) and \(200,\)\.$",
        ),
        (POSITIVE[:, 0], POSITIVE[:, :1], r"got \(200,\) and \(200, 1\)\.$"),
        (POSITIVE[:9], POSITIVE[:8, :1], r"got \(9, 3\) and \(8, 1\)\.$"),
        (POSITIVE[:0], POSITIVE[:0, :1], r"got \(0, 3\) and \(0, 1\)\.$"),
        (POSITIVE, POSITIVE[:, :1] * np.nan, r"must be finite"),
        (POSITIVE * np.inf, POSITIVE[:, :1], r"must be finite"),
        (POSITIVE[:1], POSITIVE[:1, :1], r"^no candidate gives finite numbers on every row\.$"),
    ],
)
def test_what_is_no_table_is_refused(inputs: FloatArray, target: FloatArray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        find_law(inputs, target)
