"""What a user asks of a search is read, or refused by one sentence that begins with the option's name."""

import pytest

from training.symbolic.search_options import read_exponents, read_functions, search_space
from training.symbolic.search_space import ANY_LAW, FUNCTIONS


def test_no_choice_is_any_law() -> None:
    assert search_space(["x"]) == ANY_LAW


def test_functions_are_read_from_text_and_from_lists() -> None:
    assert read_functions("sin, exp,ln") == read_functions(["log", "exp", "sin"]) == ("exp", "log", "sin")
    assert read_functions("none") == read_functions([]) == ()
    assert "sqrt" not in FUNCTIONS


def test_exponents_are_read_from_lists_and_ranges() -> None:
    assert read_exponents("-2,-1,1,2,0.5") == (-2, -1, 0.5, 1, 2)
    assert read_exponents("-1:1:0.5") == (-1, -0.5, 0.5, 1)
    assert read_exponents("1:3") == (1, 2, 3)
    assert read_exponents("1/3 2") == pytest.approx((1 / 3, 2))
    assert read_exponents([3, 0, 2.0]) == (2, 3)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            {"functions": "exp,foo"},
            "functions holds 'foo', which is none of exp, log, .*, max; separate names by commas",
        ),
        ({"functions": "expp"}, r"functions holds 'expp', which is none of .*; did you mean exp\."),
        ({"functions": "sqrt"}, "functions holds 'sqrt', .*; leave it out, as powers are always tried"),
        ({"functions": "exp,none"}, "functions holds 'none', .*; give none alone for no function"),
        ({"max_terms": 0}, "max_terms must be at least 1, got 0"),
        ({"exponents": "1,two"}, "exponents '1,two' holds 'two', which is no number; give numbers, such as"),
        ({"exponents": "1/0"}, "exponents '1/0' holds '1/0', which is no number"),
        ({"exponents": "2:1"}, "exponents '2:1' has the range '2:1', which has no such steps; give numbers"),
        ({"exponents": "0"}, "exponents holds no power but 0; give numbers"),
        ({"exponents": "99"}, "exponents holds 99; powers lie between -20 and 20"),
        ({"exponents": "nan"}, "exponents holds nan; powers lie between"),
        ({"exponents": "-10:10:0.25"}, "exponents holds 80 powers; at most 40 can be tried, so give fewer"),
        ({"form": "a*z"}, r"form 'a\*z' has no column of the table; use at least one of x"),
        ({"form": "a*x", "max_terms": 2}, "form fixes the law up to its constants, so max_terms has nothing to choose"),
    ],
)
def test_an_unusable_choice_is_refused(choice: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        search_space(["x"], **choice)  # type: ignore[arg-type]
