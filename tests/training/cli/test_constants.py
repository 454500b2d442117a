"""Constants with standard errors, as ``fit`` prints them."""

import pytest

from models.uncertainty import UncertainConstant, Uncertainty
from training.cli.constants import constants_line, with_error


def constant(estimate: float, error: float, term: str = "a", function: str | None = None) -> UncertainConstant:
    return UncertainConstant(value=1, estimate=estimate, standard_error=error, term=term, function=function)


@pytest.mark.parametrize(
    ("estimate", "error", "text"),
    [
        (0.50019, 0.00031, "0.5002 +- 0.0003"),
        (-2.97, 0.0996, "-3 +- 0.1"),
        (152_340.0, 190.0, "152300 +- 200"),
        (3.14, 0.95, "3.1 +- 0.9"),
        (1e-12, 3.3e-15, "1e-12 +- 3e-15"),
        (2.5, 0.0, "2.5 +- 0"),
    ],
)
def test_a_constant_has_the_digits_that_its_standard_error_leaves(estimate: float, error: float, text: str) -> None:
    assert with_error(constant(estimate, error)) == text


def uncertainty(noise: str, *constants: UncertainConstant) -> Uncertainty:
    fields = {"constant_noise": 1.0, "relative_noise": 0.0, "degrees_of_freedom": 9, "levels": {}}
    return Uncertainty(noise=noise, constants=list(constants), **fields)  # type: ignore[arg-type]


def test_constants_are_listed_with_what_they_multiply_up_to_eight() -> None:
    listed = uncertainty("constant", constant(2, 0.1, "a * b"), constant(-1, 0.1, "t", "exp"), constant(5, 1, "1"))
    assert constants_line(listed) == "2 +- 0.1 (a * b), -1 +- 0.1 (t in exp), 5 +- 1 (constant)"
    many = constants_line(uncertainty("either", *[constant(2, 0.1)] * 11))
    assert many.count("(a)") == 8
    assert many.endswith(", and 3 more in the manifest")


def test_of_an_exact_law_none_are_listed() -> None:
    assert constants_line(uncertainty("rounding", constant(2, 1e-17))) == ""
