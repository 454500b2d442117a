import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from training.data import table_sample
from training.data.table import informative, read_table
from training.data.tables import encoding, text_table
from training.errors import InputError


def csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_columns_come_in_the_order_of_the_header_without_the_target(tmp_path: Path) -> None:
    table = read_table(csv(tmp_path, "a,y,b\n1,2,3\n-4e2, 5.5 ,6\n"), "y")
    assert table.columns == ["a", "b"]
    assert table.numbers.tolist() == [1, 2]
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
        ("a,y\n", r"data\.csv has no rows below its header; add at least one row of numbers\.$"),
        ("a,b\n1,2\n", r"data\.csv has no column 'y'; its columns are a, b\.$"),
        ("y\n1\n", r"data\.csv needs at least one input column of numbers besides the target 'y'\.$"),
        ("a,a,y\n1,2,3\n", r"data\.csv names column 'a' twice; rename one of the two\.$"),
        (
            "a,y\n1,2\nx,3\n",
            r"data\.csv, row 2, column 'a' is 'x', which is not a number; correct it, remove the row, or choose other",
        ),
        (
            "a,y\n1,2\n3,x\n",
            r"row 2, column 'y' is 'x', which is not .*; correct it, remove the row, or choose another --target\.$",
        ),
        ("a,y\n1,\n", r"data\.csv, row 1, column 'y' is empty; correct it"),
        (
            "a,y\n1,inf\n",
            r"is inf, which is not finite; correct it, .* --drop-incomplete, or choose another --target\.$",
        ),
        ("a,y\n1,2\n3,nan\n", r"data\.csv, row 2, column 'y' is nan, which is not finite;"),
        ("a,y\ninf,2\n", r"data\.csv, row 1, column 'a' is inf, which is not finite;"),
        ("a,y\n1,2\n3\n", r"data\.csv, row 2 \(line 3\) has 1 fields, the header has 2; give every row 2 fields\.$"),
        ("a,y\n1,2\n1_000,2\n", r"row 2, column 'a' is '1_000', which is not a number"),
        (f'a,y\n"{"x" * 200_000}",2\n', r"line 2 is not CSV \(field larger than field limit \(131072\)\); correct or"),
        ("a,y\n1,2\n3,NA\n", r"data\.csv, row 2, column 'y' is 'NA', a missing value; correct it, leave such rows out"),
        (
            "a,y\n1e999,2\n",
            r"row 1, column 'a' is 1e999, which is not finite; correct it, leave such rows out with --d",
        ),
        ("a,b,y\n1,2,3\n1,x,\n", r"row 2, column 'b' is 'x', which is not a number"),
        (b"a,y\n" + b"1,2\n" * 9000 + b"\xff,3\n", r"row 9001, column 'a' is '\xff', which is not a number"),
        (b"\xff\xfea\x00,\x00y\x00\n", r"data\.csv is not in UTF-16; save the table as CSV \(UTF-8\), or give its --e"),
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


@pytest.mark.parametrize("text", ["", "nan", "NaN", "NA", "n/a", "null", "None", "-", "?", "inf", "-inf", "1e999"])
def test_incomplete_rows_are_left_out_and_counted_if_asked_for(tmp_path: Path, text: str) -> None:
    read = read_table(csv(tmp_path, f"a,y\n1,2\n3,{text}\n{text},4\n5,6\n"), "y", drop_incomplete=True)
    assert (read.inputs.tolist(), read.target.tolist(), read.rows) == ([[1], [5]], [[2], [6]], 2)
    assert read.numbers.tolist() == [1, 4]
    (note,) = read.notes
    assert note.startswith("2 of 4 rows are incomplete (first: row 2, column 'y' is ")
    assert note.endswith(") and were left out.")


def test_text_is_no_missing_value_and_a_table_without_complete_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2, column 'a' is 'x', which is not a number"):
        read_table(csv(tmp_path, "a,y\n1,\nx,3\n"), "y", drop_incomplete=True)
    with pytest.raises(InputError, match=r"has no complete row \(first: row 1, column 'y' is empty\); fill in"):
        read_table(csv(tmp_path, "a,y\n1,\n,3\n"), "y", drop_incomplete=True)


def test_constant_and_duplicate_columns_are_named_and_left_out(tmp_path: Path) -> None:
    text = "a,c,b,d,b2,y\n1,3,-0,0.5,0,7\n2,3,1,0.5,1.0,8\n4,3.0,2,0.5,2,9\n"
    kept, reported = informative(read_table(csv(tmp_path, text), "y"), "data.csv")
    assert kept.columns == ["a", "b"]
    np.testing.assert_array_equal(kept.inputs, [[1, 0], [2, 1], [4, 2]])
    assert reported == [
        "Column 'c' is 3 in every row and was left out.",
        "Column 'd' is 0.5 in every row and was left out.",
        "Column 'b2' equals 'b' in every row and was left out.",
    ]


def test_a_table_whose_columns_never_vary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"^data\.csv has no input column that varies \(a, b\); add one that the target"
    ):
        informative(read_table(csv(tmp_path, "a,b,y\n1,2,3\n1,2,4\n"), "y"), "data.csv")


def long_table(folder: Path) -> Path:
    """10,000 rows; columns differ, or vary, in one row only; the extremes of 'a' stand in the middle."""
    a = np.random.default_rng(0).uniform(-1, 1, 10_000)
    a[4321], a[4322] = -77, 88
    lines = [f"{x},{x + (i == 9_998)},{i == 9_999:d},{i}" for i, x in enumerate(a)]
    return csv(folder, "a,nearly_a,nearly_0,y\n" + "\n".join(lines))


def test_of_a_long_table_a_fair_sample_and_the_extremes_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = long_table(tmp_path)
    whole = read_table(path, "y")
    assert (len(whole.inputs), whole.notes) == (10_000, [])
    monkeypatch.setattr(table_sample, "MAX_ROWS", 1000)
    monkeypatch.setattr(text_table, "BLOCK_BYTES", 4096)
    kept = read_table(path, "y")
    rest = "drawn at random, and those with the lowest or highest value of a column."
    assert kept.notes == [f"Kept 1,000 of 10,000 rows, {rest}"]
    assert kept.rows == 10_000
    assert 1000 < len(kept.inputs) <= 1008
    np.testing.assert_array_equal(kept.inputs.min(0), whole.inputs.min(0))
    np.testing.assert_array_equal(kept.inputs.max(0), whole.inputs.max(0))
    rows = kept.target[:, 0].astype(int)
    np.testing.assert_array_equal(kept.inputs, whole.inputs[rows])
    assert (np.diff(rows) > 0).all()
    assert abs(rows.mean() - 5000) < 4 * 2887 / 1000**0.5  # four standard errors of a uniform draw
    assert kept.redundant == {}


def test_the_seed_and_not_the_chunks_decide_which_rows_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = long_table(tmp_path)
    monkeypatch.setattr(table_sample, "MAX_ROWS", 100)
    first = read_table(path, "y").target
    monkeypatch.setattr(text_table, "BLOCK_BYTES", 5000)
    np.testing.assert_array_equal(read_table(path, "y").target, first)
    assert not np.array_equal(read_table(path, "y", seed=1).target[:100], first[:100])


def test_rows_are_numbered_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_table, "BLOCK_BYTES", 16)
    path = csv(tmp_path, "a,y\n" + "1,2\n" * 10 + "3,\n" + "1,2\n" * 5 + ",2\n")
    (note,) = read_table(path, "y", drop_incomplete=True).notes
    assert note == "2 of 17 rows are incomplete (first: row 11, column 'y' is empty) and were left out."
    with pytest.raises(InputError, match=r"row 11, column 'y' is empty"):
        read_table(path, "y")
    with pytest.raises(InputError, match=r"row 8, column 'a' is 'x', which is not a number"):
        read_table(csv(tmp_path, "a,y\n" + "1,2\n" * 7 + "x,2\n"), "y")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_sample, "MAX_ROWS", 100)
    monkeypatch.setattr(text_table, "BLOCK_BYTES", 20_000)
    monkeypatch.setattr(encoding, "HEAD_BYTES", 20_000)
    monkeypatch.setattr(encoding, "CHUNK_BYTES", 20_000)
    in_arrow: list[int] = []
    add = table_sample.RowSample.add

    def noted_add(self: table_sample.RowSample, *rows: Any) -> None:
        in_arrow.append(pa.total_allocated_bytes())
        add(self, *rows)

    monkeypatch.setattr(table_sample.RowSample, "add", noted_add)

    def peak(rows: int) -> int:
        path = csv(tmp_path, "a,b,y\n" + "\n".join(f"{i},{i % 7},{i / 3}" for i in range(rows)))
        before = pa.total_allocated_bytes()
        in_arrow.clear()
        tracemalloc.start()
        assert read_table(path, "y").rows == rows
        traced = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return traced + max(in_arrow) - before

    assert peak(80_000) < 2 * peak(20_000)
