"""A form is arithmetic of columns, numbers and free constants; whatever else Python knows is refused."""

import math

import numpy as np
import pytest

from training.symbolic.forms.nodes import evaluate
from training.symbolic.forms.parse import parse_form

INPUTS = np.random.default_rng(0).uniform(1, 2, (7, 2))
X, T = INPUTS.T
COLUMNS = ["x", "t"]


def values(text: str, *constants: float, columns: list[str] = COLUMNS) -> np.ndarray:
    return evaluate(parse_form(text, columns).root, INPUTS, np.array(constants))[0]


def test_names_that_are_no_columns_are_constants_in_the_order_in_which_they_appear() -> None:
    form = parse_form("b*x + a*exp(-b*t)", COLUMNS)
    assert form.constants == ("b", "a")
    assert form.used == ["x", "t"]
    np.testing.assert_allclose(values(form.text, 2.0, 3.0), 2 * X + 3 * np.exp(-2 * T))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x^2*t + 1", X**2 * T + 1),
        ("-x**2 - t/4", -(X**2) - T / 4),
        ("2*pi*sqrt(x/t)", 2 * math.pi * np.sqrt(X / T)),
        ("min(x, t) + max(x, 1.5) + abs(1 - x)", np.minimum(X, T) + np.maximum(X, 1.5) + np.abs(1 - X)),
        ("ln(x) + asin(t/4) + tanh(x)", np.log(X) + np.arcsin(T / 4) + np.tanh(X)),
        ("x\n + t", X + T),
    ],
)
def test_a_form_means_what_it_says(text: str, expected: np.ndarray) -> None:
    np.testing.assert_allclose(values(text), expected, rtol=1e-14)


def test_a_column_whose_name_is_no_word_stands_in_quotation_marks() -> None:
    np.testing.assert_allclose(values('a*"speed^2 (m/s)"', 3.0, columns=["speed^2 (m/s)", "t"]), 3 * X)


def test_a_column_is_found_in_every_unicode_form_of_its_name() -> None:
    np.testing.assert_allclose(values("2*\u00b5", columns=["\u00b5", "t"]), 2 * X)


def test_derivatives_are_those_of_differences() -> None:
    form = parse_form("a*x + b*exp(-c*t)^2/(1+x^d) - min(a*x, sin(t*c)) + sqrt(ln(d+t))", COLUMNS)
    constants, step = np.array([1.3, 0.4, 0.7, 2.1]), 1e-6
    slopes = evaluate(form.root, INPUTS, constants)[1]
    for place, direction in enumerate(step * np.eye(4)):
        above, below = (evaluate(form.root, INPUTS, constants + sign * direction)[0] for sign in (1, -1))
        np.testing.assert_allclose(slopes[:, place], (above - below) / (2 * step), atol=1e-8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a*x +", r"form 'a\*x \+' cannot be read; write columns, numbers and names of constants with"),
        ("2x + a", r"cannot be read near '2x'; write \* between factors, as in"),
        ("y = a*x", r"holds '='; give only what stands to its right"),
        ("", r"form '' cannot be read"),
        ("sinh(x)", r"names the function 'sinh', which is unknown; use one of sqrt, exp, log, .*, or \* to multiply"),
        ("__import__('os')", r"names the function '__import__', which is unknown"),
        ("x.real", r"holds 'x.real'; only \+ - \* / \*\* \( \) and functions such as exp and sin are possible"),
        ("x if x else 1", "holds 'x if x else 1'; only"),
        ("[x for x in x]", "holds .*; only"),
        ("exp(x, 2)", "gives exp 2 arguments; it takes 1, so correct them"),
        ("a*b", "has no column of the table; use at least one of x, t"),
        ("a*'z'", "names the column 'z', which the table lacks; it has x, t"),
        ("True*x", "holds True, which is no number of usual size; replace it"),
        ("1j*x", "holds 1j, which is no number of usual size"),
        ("9" * 400 + "*x", "which is no number of usual size"),
        ("a*x # b", "holds '#'; put the name of a column that has one in quotation marks"),
        ("-" * 400 + "x", "is nested deeper than 100 levels; write it shorter"),
        ("(" * 300 + "x" + ")" * 300, "cannot be read"),
        ("x+" * 600 + "x", "has 1201 characters; a form has at most 1000, so shorten it"),
        ("+".join(f"k{i}*x" for i in range(21)), r"has 21 free constants \(k0, .*\); at most 20 can be fitted"),
    ],
)
def test_a_form_that_cannot_be_is_refused_with_its_repair(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_form(text, COLUMNS)
