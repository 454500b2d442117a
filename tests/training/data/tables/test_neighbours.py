"""Neighbours of the accepted tables: each a habit of some program, read to exact numbers or refused by one sentence."""

import gzip
import io
import os
import pickle
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from training.data.image_folder import read_image_folder
from training.data.table import Table, read_records, read_table
from training.data.tables.excerpt import excerpt, listed
from training.data.tables.open_table import DETECTED, TableFormat
from training.errors import InputError

ROWS = [(1.5, 2.5), (3.25, 4.0), (5.0, 6.125), (7.5, 8.75)]
A, B = (list(column) for column in zip(*ROWS, strict=True))
Y = [a * b for a, b in ROWS]
LONG = "X,1,2\n" * 20_000


def lines(row: str, *head: str) -> str:
    """The rows, each in this form of a, b and y, below the lines of the head."""
    return "\n".join([*head, *(row.format(a, b, a * b) for a, b in ROWS)]) + "\n"


def read(
    folder: Path, content: str | bytes, target: str = "y", table_format: TableFormat = DETECTED, drop: bool = False
) -> Table:
    path = folder / "data.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path, target, table_format=table_format, drop_incomplete=drop)


def savetxt(**options: str) -> bytes:
    buffer = io.BytesIO()
    np.savetxt(buffer, np.array([A, B, Y]).T, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "target"),
    [
        pytest.param(savetxt(), "x3", id="savetxt"),
        pytest.param(savetxt(header="a b y"), "y", id="savetxt with a header"),
        pytest.param(savetxt(header="a,b,y", delimiter=",", fmt="%.6f"), "y", id="savetxt, commas"),
        pytest.param(lines("| {} | {} | {} |", "| a | b | y |", "|---|:--:|---|"), "y", id="Markdown"),
        pytest.param(lines(" {} | {} | {}", "  a | b | y ", "----+---+----"), "y", id="psql"),
        pytest.param(lines('"{}" , "{}" , "{}"', '"a" , "b" , "y"'), "y", id="blanks around quotes"),
        pytest.param(lines("{}, {}, {}", '"a", "b", "y"'), "y", id="quotes behind blanks"),
        pytest.param(lines("  {}\t {}\t{}", "a\tb\ty"), "y", id="tabs and blanks"),
        pytest.param(lines("{} {} {}", "a b y").replace(" ", " \t "), "y", id="runs of blanks and tabs"),
        pytest.param(lines("{},{},{}", "a,b,y").replace("\n", "\r\r\n"), "y", id="CR CR LF"),
        pytest.param(lines("{},{},{}", "a,b,y").replace("\n", "\r\n", 2).replace("\n", "\r", 1), "y", id="mixed ends"),
        pytest.param(lines("{},{},{}", "Report, of May, 2026", "a,b,y"), "y", id="a title with commas"),
        pytest.param(lines("{};{};{}", "Report;;", ";;", "a;b;y"), "y", id="a title of Excel"),
        pytest.param(lines("{},{},{}", "a,b,y", "m,,N", "[x],[y],[z]"), "y", id="two lines of units"),
        pytest.param(lines("t,{},{},{}", "Unnamed: 0,a,b,y"), "y", id="an index written twice"),
        pytest.param(lines("{},x,{},{}", "a,,b,y"), "y", id="a nameless column"),
        pytest.param(lines("{},{},{}", "a,b,énergie").encode("mac_roman"), "énergie", id="Mac Roman, by the target"),
        pytest.param(lines("{},{},{}", "a,b,énergie").encode("cp850"), "énergie", id="MS-DOS, by the target"),
        pytest.param(lines("{},{},{}", "a,b,e\u0301"), "é", id="another Unicode form"),
        pytest.param(lines("{};{};{}", "a;b;y").encode("utf-16-be"), "y", id="UTF-16 BE without a mark"),
        pytest.param(lines("{},{},{}", "a,b,y").encode() + b"\x00" * 40, "y", id="zeros of a crashed logger"),
        pytest.param(lines("{},{},{}", "1,2,3"), "3", id="numbers as names"),
        pytest.param(lines("{},{},{}", "PAR1,b,y"), "y", id="a name that is a mark of Parquet"),
        pytest.param(lines("{},{},{}", "BZh,b,y"), "y", id="a name that is a mark of bz2"),
        pytest.param(lines("{},{},{}", "<a,[b],y"), "y", id="names that begin like HTML and JSON"),
        pytest.param(lines('"r{0}";{0};{1};{2}', '"";"a";"b";"y"'), "y", id="write.csv2 of R"),
    ],
)
def test_habits_of_programs_are_read_exactly(tmp_path: Path, content: str | bytes, target: str) -> None:
    table = read(tmp_path, content, target)
    assert (table.inputs.T.tolist(), table.target.T.tolist()) == ([A, B], [Y])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a;y\n1.234,50 €;1\n-2,25 €;2\n", [1234.5, -2.25]),
        ("a;y\n€ 1.234,50;1\n−€2,25;2\n", [1234.5, -2.25]),
        ('a,y\n"(1,234.50)",1\n"2,000.25",2\n', [-1234.5, 2000.25]),
        ("a;y\n1,5\u00a0%;1\n25%;2\n", [0.015, 0.25]),
        ('a;y\n"12,34,567";1\n"1,23,456";2\n', [1_234_567, 123_456]),
        ("a;y\n1,234;0.5\n2,345;0.25\n", [1234, 2345]),
        ("a;y\n1.234.567;1\n2.345;2\n", [1_234_567, 2345]),
        ("a;y\n0.234;2.000\n2.345;3.000\n", [0.234, 2.345]),
        ("a;y\n1.234;1\n1500;2\n", [1.234, 1500]),
        ("a,y\n1.234,1.111\n2.345,2.222\n", [1.234, 2.345]),
        ("a;y\n1 234 567,5;1\n2,5;2\n", [1_234_567.5, 2.5]),
        ("a,y\n1’234.5,1\n2.5,2\n", [1234.5, 2.5]),
        ("a,y\n1.5d-2,1\n.5,2\n", [0.015, 0.5]),
        ("a,y\n\u00a0 7 \u00a0,1\n5.,2\n", [7, 5]),
        ("a,y\nyes,1\nNO,2\n", [1, 0]),
        ("a,y\nWAHR,1\nFALSCH,2\n", [1, 0]),
    ],
)
def test_notations_of_numbers_are_read_exactly(tmp_path: Path, text: str, values: list[float]) -> None:
    assert read(tmp_path, text).inputs[:, 0].tolist() == values


@pytest.mark.parametrize(
    "word", ["#NV", "#WERT!", "#N/A N/A", "####", "NaT", "n.a.", "..", "--", "—", "1.#QNAN", "\\N"]
)
def test_spellings_of_a_missing_value_are_left_out_where_that_is_asked_for(tmp_path: Path, word: str) -> None:
    table = read(tmp_path, f"a,y\n1,2\n{word},3\n4,5\n", drop=True)
    assert (table.inputs.tolist(), table.numbers.tolist()) == ([[1], [4]], [1, 3])
    with pytest.raises(InputError, match=r"row 2, column 'a' is '.*', a missing value; correct it"):
        read(tmp_path, f"a,y\n1,2\n{word},3\n4,5\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a;b;y\n1,5;2.5;3\n2,5;3.5;4\n", r"'1,5', which is not a number \(with '\.' as the decimal mark\); correct"),
        (
            "year;a;y\n2020;1.234;2\n2021;2.345;3\n",
            r"such as '1\.234', which may be thousands or .* give --decimal '\.'",
        ),
        (
            "a\ty\n1.234\t2.345\n3.456\t4.567\n",
            r"which may be thousands or have three decimals; give --decimal '\.' or",
        ),
        ("a,y\n" + "1,2\n" * 2000 + '"1,234",5\n', r"row 2001, column 'a' is '1,234', which is not a number \(with"),
        ("a,y\n1.5+103,2\n3,4\n5,6\n", r"row 1, column 'a' is '1\.5\+103', which is not a number; correct"),
        ("n,a,y\n" + LONG + '"Bob,1,2\nAl,2,3\n', r"line 20002 opens a quote that is never closed; close or remove it"),
        ("a,y,n\n" + '1,2,"x"\n' * 9 + '1,2,"Bob\n3,4,Al\n', r"line 11 opens a quote that is never closed; close or"),
        (
            'n,a,y\nx,1,2\n"in,1,2\n"in,2,3\n',
            r"line 3 opens a quote that is closed within line 4; double it, or remove",
        ),
        ("n,a,y\n" + LONG + "X,1\n", r"row 20001 \(line 20002\) has 2 fields, the header has 3; give every row 3"),
        ("a,b,y\n1,2,3,\n4,5,6\n", r"row 2 \(line 3\) has 3 fields, the header has 4; give every row 4 fields"),
        (
            "a,b,y\nx,q,2\nz,w,3\n",
            r"needs at least one input column .*; it has only 'a', 'b' \(text, such as 'x'\)\.$",
        ),
        ("day,a\n2024-01-01,1\n2024-01-02,2\n", r"has no column 'y'; its columns are day, a\.$"),
        (
            "1.5,x,2\n2.5,y,3\n",
            r"has no column 'y'; its columns are 1\.5, x, 2; if its first line is a row, add --no-h",
        ),
        (
            "1.5,2\n2.5,3\n",
            r"has no column 'y'; its columns are x1, x2 \(the first line holds numbers, so the columns are",
        ),
        ("a,h\xf6he\n1,2\n".encode("latin-1"), r"has no column 'y'; its columns are a, höhe\.$"),
        (gzip.compress(b"a,y\n1,2\n" * 99, mtime=0)[:-9], r"is a damaged compressed file \(.*\); copy it again\.$"),
        (gzip.compress(b"PAR1\x00\x00\x15\x04", mtime=0), r"is a compressed Parquet file; decompress it first\.$"),
        (b"PAR1\x00\x00\x15\x04garbage", r"is not a valid Parquet file \(.*\); write it again, or give CSV\.$"),
        (b"PK\x03\x04garbage", r"is a damaged zip or Excel file \(.*\); copy it again\.$"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1garbage" * 9,
            r"is not a valid spreadsheet \(.*\); save it again, or as CSV\.$",
        ),
        (pickle.dumps({"a": 1}), r"is a Python pickle, not a table; give the table as CSV, Excel or Parquet\.$"),
        (b"SQLite format 3\x00" * 9, r"is an SQLite database, not a table; give the table"),
        (
            '{"a": 1, "y": 2}\n{"a": 2, "y": 3}\n',
            r"holds JSON, not a table; give the table as CSV, Excel or Parquet\.$",
        ),
        ("a,y\n1,2\n".encode("cp037") * 40, r"is neither text nor a known file format; give the table"),
        (b"\x00" * 100_000, r"is neither text nor a known file format; give the table"),
        (np.random.default_rng(0).bytes(200_000), r"is neither text nor a known file format; give the table"),
        (b"\xef\xbb\xbf", r"is empty; its first line must name the columns\.$"),
    ],
)
def test_what_cannot_be_read_is_one_short_sentence(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, content)
    sentence = str(caught.value).replace(str(tmp_path), "")
    assert sentence.isprintable()
    assert len(sentence) < 350


def test_no_message_shows_more_than_two_hundred_characters_of_a_file(tmp_path: Path) -> None:
    names = [f"column {i} {'z' * 300}" for i in range(5000)]
    for content in (",".join(names) + "\n" + ",".join("1" * 5000), "q" * 2_000_000, "a,y\n" + "\x0b" * 90_000 + ",1\n"):
        with pytest.raises(InputError) as caught:
            read(tmp_path, content)
        assert len(str(caught.value).replace(str(tmp_path), "")) < 250
    assert excerpt("a\tb\x1b[31m\u202f7" + "x" * 99, 20) == r"a\tb\x1b[31m 7xxx..."
    assert listed(names).endswith(" and 4,998 more")


def test_the_options_decide_against_what_is_found(tmp_path: Path) -> None:
    text = "a;b;y\n1,5;2,5;3,75\n2,5;4,5;11,25\n"
    assert read(tmp_path, text, table_format=TableFormat(decimal=",")).inputs.tolist() == [[1.5, 2.5], [2.5, 4.5]]
    with pytest.raises(
        InputError, match=r"row 1, column 'a' is '1,5', which is not a number \(with '\.' as the decimal"
    ):
        read(tmp_path, text, table_format=TableFormat(decimal="."))
    with pytest.raises(InputError, match=r"has no column 'y'; its columns are a;b;y\.$"):
        read(tmp_path, text, table_format=TableFormat(delimiter="|"))
    with pytest.raises(InputError, match=r"column 'x1' is 'a', which is not a number"):
        read(tmp_path, text, "x3", table_format=TableFormat(header=False))
    with pytest.raises(
        InputError, match=r"is not in UTF-8; save the table as CSV \(UTF-8\), or give its --encoding\.$"
    ):
        read(tmp_path, "a,ü\n1,2\n".encode("latin-1"), table_format=TableFormat(encoding="utf-8"))
    with pytest.raises(
        InputError, match=r"--decimal and --thousands are both ','; give two marks, or one of the options"
    ):
        TableFormat(decimal=",", thousands=",")


def test_a_pipe_is_refused_as_it_cannot_be_read_twice(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        InputError, match=r"is a pipe or a device, which cannot be read twice; save the table to a file\.$"
    ):
        read_table(tmp_path / "pipe", "y")
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\); give the path of a table\.$"):
        read_table(tmp_path, "y")


def workbook(folder: Path, fill: Callable[[openpyxl.Workbook], None]) -> Path:
    book = openpyxl.Workbook()
    fill(book)
    book.save(folder / "data.xlsx")
    return folder / "data.xlsx"


def test_a_sheet_may_begin_anywhere_and_hold_dates_booleans_and_numbers_as_text(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        head = ["when", "a", "b", "ok", "y"]
        rows = [[datetime(2026, 5, 1), str(a).replace(".", ","), b, a > 2, a * b] for a, b in ROWS]
        for i, row in enumerate([head, *rows]):
            for j, value in enumerate(row):
                book.active.cell(i + 4, j + 3, value)

    table = read_table(workbook(tmp_path, fill), "y")
    assert table.columns == ["a", "b", "ok"]
    assert table.inputs.T.tolist() == [A, B, [0, 1, 1, 1]]
    assert table.target.T.tolist() == [Y]


def test_errors_of_a_sheet_are_missing_values_and_an_unknown_or_empty_sheet_is_named(tmp_path: Path) -> None:
    def fill(book: openpyxl.Workbook) -> None:
        for row in [["a", "y"], [1, 2], ["#DIV/0!", 3], [4, 5]]:
            book.active.append(row)
        book.create_sheet("empty")

    path = workbook(tmp_path, fill)
    assert read_table(path, "y", drop_incomplete=True).inputs.tolist() == [[1], [4]]
    with pytest.raises(InputError, match=r"has no sheet 'May'; its sheets are Sheet, empty\.$"):
        read_table(path, "y", table_format=TableFormat(sheet="May"))
    with pytest.raises(InputError, match=r"is empty; its first line must name the columns\.$"):
        read_table(path, "y", table_format=TableFormat(sheet="empty"))


def notes_and_trips(book: openpyxl.Workbook) -> None:
    book.active.append(["Read me first"])
    book.create_sheet("old").append(["a", "b"])
    trips = book.create_sheet("trips")
    for row in [["of May"], ["a", "größe"], [1, 2], [3, 4]]:
        trips.append(row)


def test_the_sheet_that_has_the_columns_is_read(tmp_path: Path) -> None:
    table = read_table(workbook(tmp_path, notes_and_trips), "größe", ["a"])
    assert table.inputs.tolist() == [[1], [3]]
    assert table.notes[0] == "Read the sheet 'trips'; --sheet chooses another: Sheet, old."


@pytest.mark.parametrize(("target", "sheet"), [("c", None), ("ß", None), ("größe", "old"), ("größe", "Sheet")])
def test_a_column_that_no_read_sheet_has_is_an_error_that_names_the_sheets(
    tmp_path: Path, target: str, sheet: str | None
) -> None:
    others = "; these are of sheet 'Sheet', and --sheet chooses another: old, trips"
    rule = rf"has no column '{target}'; its columns are [^;]*{others if sheet is None else ''}\.$"
    with pytest.raises(InputError, match=rule):
        read_table(workbook(tmp_path, notes_and_trips), target, table_format=TableFormat(sheet=sheet))


def test_columns_of_parquet_keep_their_types(tmp_path: Path) -> None:
    columns = {
        "whole": pa.array([1, None, 2**60 + 1], pa.int64()),
        "exact": pa.array([Decimal("1.5"), Decimal("2.5"), Decimal("3.5")]),
        "kind": pa.array(["x", "y", "x"]).dictionary_encode(),
        "when": pa.array([datetime(2026, 5, day) for day in (1, 2, 3)]),
        "ok": [True, False, True],
        "y": pa.array([1.0, 2.0, 3.0], pa.float32()),
        "__index_level_0__": ["p", "q", "r"],
    }
    parquet.write_table(pa.table(columns), tmp_path / "data.parquet")
    table = read_table(tmp_path / "data.parquet", "y", drop_incomplete=True)
    assert table.columns == ["whole", "exact", "ok"]
    assert table.inputs.tolist() == [[1, 1.5, 1], [2.0**60, 3.5, 1]]
    assert "Whole numbers such as 1152921504606846977 in column 'whole' are above 2^53" in " ".join(table.notes)
    assert "1 of 3 rows is incomplete (first: row 2, column 'whole' is empty)" in " ".join(table.notes)


def test_labels_of_images_are_read_in_any_dialect(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes('sep=;\r\nfile;label\r\n"a;b.png";Ähre\r\nc.png;x\r\n'.encode("utf-16"))
    header, records = read_records(path, ["file", "label"])
    assert (header, list(records)) == (["file", "label"], [["a;b.png", "Ähre"], ["c.png", "x"]])
    path.write_text("file,label\na.png,1\nb.png\n")
    with pytest.raises(
        InputError, match=r"labels\.csv, row 2 \(line 3\) has 1 fields, the header has 2; give every row"
    ):
        read_image_folder(path, tmp_path, "regression", "L")
