from pathlib import Path

import numpy as np
import pytest

from training.data.table import read_table
from training.errors import InputError


def csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_come_in_the_order_of_the_header_without_the_target(tmp_path: Path) -> None:
    table = read_table(csv(tmp_path, "a,y,b\n1,2,3\n-4e2, 5.5 ,6\n"), "y")
    assert table.columns == ["a", "b"]
    np.testing.assert_array_equal(table.inputs, [[1, 3], [-400, 6]])
    np.testing.assert_array_equal(table.target, [[2], [5.5]])


@pytest.mark.parametrize(
    "text", ["a;y\n1;2\n", "a\ty\n1\t2\n", "\n \na,y\n1,2\n", "\ufeffa,y\r\n1,2\r\n\r\n", '"a","y"\n"1","2"\n']
)
def test_other_separators_marks_and_quotes_are_understood(tmp_path: Path, text: str) -> None:
    table = read_table(csv(tmp_path, text), "y")
    assert (table.columns, table.inputs.tolist(), table.target.tolist()) == (["a"], [[1]], [[2]])


def test_chosen_columns_may_leave_out_text(tmp_path: Path) -> None:
    assert read_table(csv(tmp_path, "name,a,y\nBob,1,2\n"), "y", ["a"]).columns == ["a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"data\.csv is empty; its first line must name the columns\.$"),
        ("a,y\n", r"data\.csv holds no rows below its header; add at least one row of numbers\.$"),
        ("a,b\n1,2\n", r"data\.csv has no column 'y'; its columns are a, b\.$"),
        ("y\n1\n", r"data\.csv needs at least one input column beside the target 'y'\.$"),
        ("a,a,y\n1,2,3\n", r"data\.csv names column 'a' twice; rename one of the two\.$"),
        (
            "a,y\n1,2\nx,3\n",
            r"data\.csv, row 2, column 'a' is 'x', which is not a number; correct it, remove the row, or choose other",
        ),
        ("a,y\n1,\n", r"data\.csv, row 1, column 'y' is empty; correct it"),
        ("a,y\n1,2\n3,nan\n", r"data\.csv, row 2, column 'y' is nan, which is not finite;"),
        ("a,y\ninf,2\n", r"data\.csv, row 1, column 'a' is inf, which is not finite;"),
        ("a,y\n1,2\n3\n", r"data\.csv, row 2 has 1 fields, the header has 2; give every row 2 fields\.$"),
        ("a,y\n1_000,2\n", r"row 1, column 'a' is '1_000', which is not a number"),
        (f'a,y\n"{"x" * 200_000}",2\n', r"row 1 is not CSV \(field larger than field limit \(131072\)\); correct or"),
        (b"\xff\xfe\x00a", r"data\.csv is not a text file in UTF-8; save the table as CSV \(UTF-8\)\.$"),
    ],
)
def test_what_cannot_be_used_is_named_with_row_and_repair(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_table(csv(tmp_path, text), "y")


def test_a_missing_file_and_a_missing_chosen_column_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv cannot be read \(No such file or directory\); give the path"):
        read_table(tmp_path / "none.csv", "y")
    with pytest.raises(InputError, match=r"has no column 'z'; its columns are a, y\.$"):
        read_table(csv(tmp_path, "a,y\n1,2\n"), "y", ["z"])


def test_a_long_text_is_shown_shortened(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_table(csv(tmp_path, f"a,y\n{'x' * 10_000},2\n"), "y")
    assert len(str(caught.value)) < 300
