"""The options that say how a table is written."""

import pytest

from training.cli.parser import build_parser
from training.cli.table_options import table_format
from training.data.tables.open_table import DETECTED, TableFormat
from training.errors import InputError


def form(*options: str) -> TableFormat:
    return table_format(build_parser().parse_args(["fit", "data.csv", "--target", "y", *options]))


def test_nothing_is_decided_without_an_option() -> None:
    assert form() == DETECTED


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--delimiter", ";"], TableFormat(delimiter=";")),
        (["--delimiter", "tab"], TableFormat(delimiter="\t")),
        (["--delimiter", "\\t"], TableFormat(delimiter="\t")),
        (["--delimiter", "space"], TableFormat(delimiter=" ")),
        (["--decimal", ","], TableFormat(decimal=",")),
        (["--thousands", "space", "--decimal", ","], TableFormat(thousands=" ", decimal=",")),
        (["--encoding", "Shift-JIS"], TableFormat(encoding="shift_jis")),
        (["--no-header", "--sheet", "May"], TableFormat(header=False, sheet="May")),
    ],
)
def test_marks_may_be_given_by_name(options: list[str], expected: TableFormat) -> None:
    assert form(*options) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--delimiter", "ab"], "'ab' is not a delimiter: give one character other than a letter, digit or quote"),
        (["--delimiter", '"'], "is not a delimiter: give one character other than a letter, digit or quote"),
        (["--delimiter", "§"], "'§' is not a delimiter: give one character"),
        (["--thousands", "x"], "'x' is not a thousands separator: give . , ' or space"),
        (["--encoding", "klingon"], "'klingon' is not an encoding that Python knows"),
        (["--encoding", "rot13"], "'rot13' is not an encoding that Python knows"),
        (["--encoding", "idna"], "'idna' is not an encoding that Python knows"),
        (["--decimal", ";"], "invalid choice: ';'"),
    ],
)
def test_a_bad_value_is_named_with_the_rule(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        form(*options)
    assert message in capsys.readouterr().err


def test_one_mark_cannot_be_two_things() -> None:
    with pytest.raises(InputError, match=r"--decimal and --thousands are both ','; give two marks, or one of the opt"):
        form("--decimal", ",", "--thousands", ",")
