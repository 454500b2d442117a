"""Blocks of CSV end where rows do, and the rows are those that Python's csv reads from the whole."""

import csv
import errno
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.predict import csv_reader
from app.predict.csv_reader import CSVReader, last_row_end
from app.predict.errors import PredictError
from app.predict.part import TablePart

CELLS = st.text(st.sampled_from('ab 1,"\n;'), max_size=6)


def read(content: bytes) -> tuple[list[list[str]], list[int]]:
    """The rows, and the numbers of those that were left out."""
    parts = list(CSVReader(io.BytesIO(content), "table.csv", None).parts())
    rows = [list(row.values()) for part in parts for row in part.batch.to_pylist()]
    return rows, [part.before + number for part in parts for number, _ in part.left_out]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 16)
    monkeypatch.setattr(csv_reader, "MAX_QUOTED_BYTES", 64)
    monkeypatch.setattr(csv_reader, "MAX_ROW_BYTES", 256)


@given(st.lists(st.tuples(CELLS, CELLS.filter(bool)), max_size=20), st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=30, deadline=None)
def test_rows_with_any_cells_are_read_whole(rows: list[tuple[str, str]], end: str) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=end)
    writer.writerows([("first", "second"), *rows])
    assert read(text.getvalue().encode())[0] == [list(row) for row in rows]


def test_rows_of_another_width_are_left_out_by_their_number() -> None:
    content = b'a,b\n1,2\n\n3\n4,5\n"multi\nline ""quoted\n"" long",6\n7,7,7\n\n\n8,9\n0'
    assert read(content) == ([["1", "2"], ["4", "5"], ['multi\nline "quoted\n" long', "6"], ["8", "9"]], [2, 5, 7])


def test_rows_left_out_are_numbered_alike_in_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 2**20)
    assert read(b"a,b\n1,2\n\n3\n4,5\n7,7,7\n\n\n8,9\n0")[1] == [2, 4, 6]


def test_rows_of_a_part_are_numbered_with_those_that_were_left_out() -> None:
    part = TablePart(None, 100, [(1, ""), (3, ""), (4, ""), (9, "")])
    assert [part.number(index) for index in range(6)] == [102, 105, 106, 107, 108, 110]


def test_a_table_whose_rows_all_have_another_width_than_its_header_is_refused() -> None:
    message = "table.csv has no row of 2 fields, as many as its header has; give every row as many."
    with pytest.raises(PredictError, match=f"^{message}$"):
        read(b"a,b\n" + b"1,2,\n" * 100)


def test_a_quote_in_the_middle_of_a_cell_is_a_character() -> None:
    rows, left_out = read(b'a,b\n5" pipe,2\n' + b"3,4\n" * 100)
    assert (rows, left_out) == ([['5" pipe', "2"], *[["3", "4"]] * 100], [])


def test_a_row_without_end_is_refused() -> None:
    with pytest.raises(PredictError, match=r"table.csv has a row of more than 256 bytes; is it a CSV\?"):
        read(b"a,b\n" + b"x" * 10_000)


def test_a_disk_that_fails_is_named_as_that_of_the_table() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    reader = CSVReader(Failing(b"a,b\n1,2\n"), "table.csv", None)
    with pytest.raises(PredictError, match=r"^table.csv cannot be read: Input/output error\.$"):
        list(reader.parts())


@pytest.mark.parametrize(
    ("block", "end"),
    [(b"", 0), (b"1,2", 0), (b"1,2\n3", 4), (b'1,"2\n3', 0), (b'1\n"2\n3', 2), (b'"1\n2"\n3', 6), (b'"1""\n"\n"', 7)],
)
def test_a_block_ends_after_the_last_line_break_outside_quotes(block: bytes, end: int) -> None:
    assert last_row_end(block) == end
