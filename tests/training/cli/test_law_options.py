"""The options that say which laws may be tried: values that begin with a minus, and bad ones."""

from pathlib import Path

import pytest

from training.__main__ import main
from training.cli.law_options import law_search_space, notes_on
from training.cli.parser import build_parser
from training.errors import InputError


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "line.csv"
    path.write_text("x,t,y\n" + "".join(f"{x},{x * 37 % 41},{2 * x + 3}\n" for x in range(1, 41)))
    return str(path)


@pytest.mark.parametrize(
    ("option", "value"),
    [("--exponents", "-2,-1,1,2"), ("--exponents", "-2:2:0.5"), ("--form", "-a*x"), ("--form", "-exp(-b*x)")],
)
def test_a_value_that_begins_with_a_minus_is_no_option(option: str, value: str) -> None:
    options = build_parser().parse_args(["fit", "data.csv", "--target", "y", option, value])
    assert getattr(options, option[2:]) == value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--form", "a*x +"], "--form 'a*x +' cannot be read; write columns, numbers and names of constants"),
        (["--form", "a*foo(x)"], "--form 'a*foo(x)' names the function 'foo', which is unknown; use one of sqrt, exp"),
        (["--form", "a*b"], "--form 'a*b' has no column of the table; use at least one of x, t."),
        (["--form", "y - a*x"], "--form 'y - a*x' names the target 'y'; give what it equals, of x, t."),
        (
            ["--categories", "z"],
            "--categories names 'z', which is none of the input columns x, t; give one of them, and",
        ),
        (["--categories", "x", "--form", "a*x"], "--categories does not go with --form; leave one of them out."),
        (["--functions", "expp"], "--functions holds 'expp', which is none of"),
        (["--exponents", "-1,two"], "--exponents '-1,two' holds 'two', which is no number"),
        (
            ["--units", "x=m,t=s,y=foo"],
            "--units gives 'y' the unit 'foo', which Pint does not know; give one that Pint",
        ),
        (["--units", "x=m,y=m"], "--units has none for the column 't'; add t=UNIT, or t=1 for a pure number, or leave"),
        (["--units", "x=m,t=s,y=kg"], "--units allow no law: no product of powers of x in m, t in s has the unit of"),
        (
            ["--form", "a*x", "--unit", "NAU"],
            "--form is for the search of a law, and --unit NAU trains a unit; leave one of them out.",
        ),
    ],
)
def test_bad_values_end_with_one_sentence_and_write_nothing(
    table: str, arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = tmp_path / "repository"
    assert main(["fit", table, "--target", "y", "--repository", str(repository), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"nalu-serve: {message}")
    assert error.count("\n") == 1
    assert not repository.exists()


def test_max_terms_below_1_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args(["fit", "data.csv", "--target", "y", "--max-terms", "0"])
    assert ended.value.code == 2
    assert "argument --max-terms: '0' is not a whole number of at least 1" in capsys.readouterr().err


def test_a_note_says_what_the_names_of_a_form_are_taken_for() -> None:
    options = build_parser().parse_args(["fit", "data.csv", "--target", "y", "--form", "a*x + b*exp(-c*tt)"])
    assert notes_on(law_search_space(options, ["x", "t"], "y")) == [
        "The form has the column x of the table, and the constants a, b, c and tt to fit."
    ]
    options.form = "2*x*t"
    assert notes_on(law_search_space(options, ["x", "t"], "y")) == [
        "The form has the columns x and t of the table, and no constant to fit."
    ]
    with pytest.raises(InputError, match="--form"):
        law_search_space(options, ["z"], "y")


def test_a_note_says_which_names_of_units_are_constants() -> None:
    options = build_parser().parse_args(["fit", "data.csv", "--target", "y", "--units", "x=m,y=m/s**2,t=s,w=1/s"])
    assert notes_on(law_search_space(options, ["x", "t"], "y")) == [
        "The numbers of a law may hold the constant w, as no column is called so."
    ]


@pytest.mark.slow
def test_fit_writes_the_law_of_a_form(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = ["--repository", str(tmp_path / "models"), "--plots", str(tmp_path), "--seconds", "10"]
    assert main(["fit", table, "--target", "y", "--form", "a*x + b", "--restarts", "1", *folders]) == 0
    assert "2 * x + 3" in capsys.readouterr().out
