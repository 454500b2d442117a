"""A form's constants are found from many starts, and the law that writes it computes the same."""

import numpy as np
import pytest

from models.arrays import FloatArray
from training.metrics import predict
from training.symbolic import find_law
from training.symbolic.deadline import Deadline, DeadlineError
from training.symbolic.forms.find import fit_form
from training.symbolic.forms.linear_constants import linear_constants
from training.symbolic.forms.parse import parse_form
from training.symbolic.formula import formula
from training.symbolic.search_options import search_space

random = np.random.default_rng(0)
TABLE = np.column_stack([random.uniform(1, 10, 60), random.uniform(0.1, 10, 60)])
X, T = TABLE.T
COLUMNS = ["x", "t"]


def fitted(text: str, target: FloatArray, inputs: FloatArray = TABLE) -> tuple[str, FloatArray]:
    """The formula, and the predictions of the network."""
    found = fit_form(parse_form(text, COLUMNS), inputs, target)
    assert found.reason is None
    network = found.candidate.network()
    expression = formula(network, COLUMNS)
    assert expression is not None
    return expression.text, predict(network, inputs)[:, 0]


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("a*x + b*exp(-c*t)", 2.5 * X + 7 * np.exp(-0.3 * T), "2.5 * x + 7 * exp(-0.3 * t)"),
        ("a*x^p", 3 * X**1.37, "3 * x**1.37"),
        ("v*x/(k + x)", 3 * X / (1.7 + X), "(3 * x) / (x + 1.7)"),
        ("log(a + b*x)", np.log(2 + 3 * X), "log(3 * x + 2)"),
        ("0.5*x*t^2", 0.5 * X * T**2, "0.5 * x * t**2"),
        ("a*min(x, b*t) + 3", 1.5 * np.minimum(X, 2 * T) + 3, "1.5 * min(x, 2 * t) + 3"),
        ("sqrt((x - 5)^2)*a", 1.5 * np.abs(X - 5), "1.5 * abs(x - 5)"),
    ],
)
def test_the_constants_of_a_form_are_found_and_its_law_computes_it(
    text: str, target: FloatArray, expected: str
) -> None:
    formula_text, predicted = fitted(text, target)
    assert formula_text == expected
    np.testing.assert_allclose(predicted, target, rtol=1e-12)


def test_a_root_of_a_product_of_negative_columns_stays_the_root_of_the_product() -> None:
    np.testing.assert_allclose(fitted("a*sqrt(x*t)", 2 * np.sqrt(X * T), -TABLE)[1], 2 * np.sqrt(X * T), rtol=1e-12)


def test_the_scale_of_a_column_does_not_matter() -> None:
    for scale in (1e-6, 1e6):
        target = 2.5 * X + 7 * np.exp(-0.3 * T)
        assert fitted("a*x + b*exp(-c*t)", target, np.column_stack([X, T * scale]))[1] == pytest.approx(target)


@pytest.mark.slow
def test_a_wave_of_fifteen_periods_is_found_from_no_start_value() -> None:
    target = 3 * np.sin(9.2 * T + 0.4) + 1
    assert fitted("a*sin(w*t + p) + c", target)[1] == pytest.approx(target)


def test_one_per_cent_of_noise_leaves_simple_constants() -> None:
    noisy = (2.5 * X + 7 * np.exp(-0.3 * T)) * (1 + 0.01 * np.random.default_rng(1).normal(size=60))
    constants = [
        float(word) for word in fitted("a*x + b*exp(-c*t)", noisy)[0].replace("-", "").split() if word[0].isdigit()
    ]
    assert constants == pytest.approx([2.5, 7], rel=0.03)


def test_constants_that_make_up_for_one_another_are_named() -> None:
    found = fit_form(parse_form("a*x*b + c*t", COLUMNS), TABLE, 2 * X + T)
    assert found.reason is not None
    assert found.reason.startswith("the rows determine the constants a and b of the form only together; give a number")


def test_a_constant_that_changes_nothing_is_named() -> None:
    found = fit_form(parse_form("a*x + c*(t - t)", COLUMNS), TABLE, 2 * X)
    assert found.reason is not None
    assert found.reason.startswith("the rows do not determine the constant c of the form; give a number for it")


@pytest.mark.parametrize("text", ["a*log(x - 20)", "a*x/0"])
def test_a_form_that_is_nowhere_finite_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="gives no finite numbers on every row for any constants that were tried"):
        fit_form(parse_form(text, COLUMNS), TABLE, X)


def test_a_fit_ends_at_its_deadline() -> None:
    with pytest.raises(DeadlineError):
        fit_form(parse_form("a*exp(b*t)", COLUMNS), TABLE, X, deadline=Deadline.after(-1))


def test_linear_constants_are_linear_all_together() -> None:
    assert linear_constants(parse_form("a*x + b*exp(-c*t) + d", COLUMNS).root, 4).tolist() == [0, 1, 3]
    assert linear_constants(parse_form("a*x*b", COLUMNS).root, 2).tolist() == [0]
    assert linear_constants(parse_form("a/(b + x) + c**2", COLUMNS).root, 3).tolist() == [0]


def test_find_law_fits_a_form_instead_of_a_search() -> None:
    space = search_space(COLUMNS, form="a*x + b")
    assert find_law(TABLE, (2 * X + 3)[:, None], columns=COLUMNS, space=space).formula == "2 * x + 3"
    wrong = find_law(TABLE, (X**2 + T)[:, None], columns=COLUMNS, space=space)
    assert wrong.formula is None
    assert wrong.reason is not None


def test_the_reason_against_a_form_names_the_column() -> None:
    table = np.column_stack([np.repeat([1.0, 2.0, 3.0], 20), T])
    target = (table[:, 0] ** 3.718281828459 + 0.41421356237 * table[:, 0]) * T
    found = find_law(table, target[:, None], columns=COLUMNS, space=search_space(COLUMNS, form="(x**k + c*x)*t"))
    assert found.reason == "column 'x' has 3 values; a formula in it cannot be told from a table of 3 constants"
