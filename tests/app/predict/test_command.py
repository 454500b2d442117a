"""python -m app.predict: tables in, tables out."""

import csv
import io
import os
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper
from tqdm import tqdm

from app.predict import writers
from app.predict.__main__ import main
from tests.app.factory import arithmetic_graph, manifest_of, onnx_bytes, write_version
from tests.app.predict.conftest import Predict

NOT_FINITE = "The result is not finite: a division by zero or an overflow."
DONE = re.compile(r"Wrote ([\d,]+) rows to (.+) in \d+\.\d s: (.+)\.")
MESSY = 'id,b,note,a\n007,2,"x, ""y""\nz",8\n8,0,,1\n\n9, 4 ,n,abc\nshort\n10,,n,1\n11,inf,n,1\n12,100,n,"1e0"\n'

CONVERT = "convert it, as with `iconv -f LATIN1 -t UTF-8`."
LACKS = "Model 'sum' takes the columns a, b; the table has {}, and lacks b: its first line must name the columns."
OF_LISTS = "Column 'list' is of type list<element: int64>, which CSV cannot hold; write Parquet, or leave it out."
SHORT = "Parquet file size is 4 bytes, smaller than the minimum file footer (8 bytes)."


def table_of(tmp_path: Path, text: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_the_output_is_the_table_with_predictions_and_what_is_wrong_with_a_row(
    tmp_path: Path, predict: Predict
) -> None:
    code, out, err = predict("ratio", table_of(tmp_path, MESSY))
    assert code == 0
    assert out == (
        "id,b,note,a,predicted_y,extrapolated,warnings\n"
        '007,2,"x, ""y""\nz",8,4.0,true,\n'
        f"8,0,,1,,false,{NOT_FINITE}\n"
        "9, 4 ,n,abc,,,\"column 'a' is 'abc', which is not a number\"\n"
        "10,,n,1,,,column 'b' is blank\n"
        "11,inf,n,1,,,\"column 'b' is inf, which is not finite\"\n"
        "12,100,n,1e0,0.01,true,\n"
    )
    assert err[:-1] == [
        f"Row 2: {NOT_FINITE}",
        "Row 3: column 'a' is 'abc', which is not a number.",
        "Row 4: it has 1 field, the header has 4, so it was left out.",
        "Row 5: column 'b' is blank.",
        "Row 6: column 'b' is inf, which is not finite.",
    ]
    done = DONE.fullmatch(err[-1])
    assert done is not None
    assert done.groups() == ("6", "stdout", "2 extrapolated, 4 without a prediction, 1 left out")


def test_ten_rows_are_named_and_the_others_counted(tmp_path: Path, predict: Predict) -> None:
    text = "a,b\n" + "1,2\nx,1\n" * 600 + "1\n"
    code, out, err = predict("sum", table_of(tmp_path, text))
    assert code == 0
    assert [row["predicted_y"] for row in rows(out)] == ["3.0", ""] * 600
    assert err[0] == "Row 2: column 'a' is 'x', which is not a number."
    assert [line.partition(":")[0] for line in err[:10]] == [f"Row {number}" for number in range(2, 22, 2)]
    assert err[10] == "... and 591 more rows; the column 'warnings' has the reasons."
    assert err[11].startswith("Wrote 1,200 rows to stdout in ")


def test_every_number_is_computed_and_written_bit_for_bit_across_blocks(
    tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.predict.csv_reader.BLOCK_BYTES", 5000)
    values = np.random.default_rng(0).normal(size=(2000, 2)) * 10.0 ** np.arange(-300, 200, 0.25)[:, None]
    lines = [f"{a!r},{b!r}" for a, b in values.tolist()]
    expected = values[:, 0] + values[:, 1]
    path = table_of(tmp_path, "\n".join(["a,b", *lines]))
    found = rows(predict("sum", path)[1])
    assert [f"{row['a']},{row['b']}" for row in found] == lines
    assert np.array([float(row["predicted_y"]) for row in found]).tobytes() == expected.tobytes()
    predict("sum", path, "--output", tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet")["predicted_y"].to_numpy().tobytes() == expected.tobytes()


def test_numbers_are_written_as_the_service_writes_them(tmp_path: Path, predict: Predict) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=500) * 10.0 ** random.integers(-20, 25, 500)
    values = np.concatenate([values, np.round(values[:100]), [0, 7, 1e-4, 9.9e-5, 1e10, 1e15, 1e16, -1e22, 5e-324]])
    path = table_of(tmp_path, "\n".join(["a,b", *(f"{value!r},0" for value in values.tolist())]))
    found = [row["predicted_y"] for row in rows(predict("sum", path)[1])]
    assert found == [repr(value) for value in (values + 0.0).tolist()]


def test_extrapolated_says_which_rows_lie_outside_the_training_range(tmp_path: Path, predict: Predict) -> None:
    text = "a,b\n1,-5\n2,5\n0.999,0\n2.001,0\n1,-5.001\n1,5.001\n"
    found = rows(predict("sum", table_of(tmp_path, text))[1])
    assert [row["extrapolated"] for row in found] == ["false", "false", "true", "true", "true", "true"]
    assert rows(predict("unknown", tmp_path / "table.csv")[1])[0]["extrapolated"] == ""


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_and_line_ends_are_read(tmp_path: Path, predict: Predict, delimiter: str) -> None:
    text = "\ufeffa;b;c\r\n1;2;x,y\r\n".replace(";", delimiter)
    assert predict("sum", table_of(tmp_path, text))[1].splitlines()[1] == '1,2,"x,y",3.0,false,'


def test_stdin_is_read_as_csv(predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"b,a\n4,1\n")))
    assert predict("sum", "-")[1] == "b,a,predicted_y,extrapolated,warnings\n4,1,5.0,false,\n"


def test_parquet_keeps_the_types_of_its_columns_in_parquet_and_is_text_in_csv(tmp_path: Path, predict: Predict) -> None:
    table = pa.table(
        {
            "b": pa.array([2, None, 0], pa.int16()),
            "list": [[1], [], None],
            "a": pa.array([Decimal("1.50"), Decimal("2.00"), Decimal("2.00")]),
            "who": pa.array(["x", None, "y,z"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "table.data")
    code, _, err = predict("ratio", tmp_path / "table.data", "--output", tmp_path / "out.parquet")
    assert (code, err[:-1]) == (0, ["Row 2: column 'b' is blank.", f"Row 3: {NOT_FINITE}"])
    out = pq.read_table(tmp_path / "out.parquet")
    assert out.select(table.column_names).equals(table)
    assert out.select(out.column_names[-3:]).to_pylist() == [
        {"predicted_y": 0.75, "extrapolated": False, "warnings": None},
        {"predicted_y": None, "extrapolated": None, "warnings": "column 'b' is blank"},
        {"predicted_y": None, "extrapolated": False, "warnings": NOT_FINITE},
    ]
    code, _, err = predict("ratio", tmp_path / "table.data")
    assert (code, err) == (2, [f"nalu-serve: {OF_LISTS}"])
    pq.write_table(table.drop_columns("list"), tmp_path / "table.data")
    assert predict("ratio", tmp_path / "table.data")[1].splitlines()[3] == f'0,2.00,"y,z",,false,{NOT_FINITE}'


def test_csv_becomes_parquet_with_numbers_where_the_model_takes_them(tmp_path: Path, predict: Predict) -> None:
    predict("sum", table_of(tmp_path, "id,b,a\n007,4,1\n008,,1.5\n"), "--output", tmp_path / "out.PARQUET")
    assert pq.read_table(tmp_path / "out.PARQUET").drop_columns("warnings").to_pylist() == [
        {"id": "007", "b": 4.0, "a": 1.0, "predicted_y": 5.0, "extrapolated": False},
        {"id": "008", "b": None, "a": 1.5, "predicted_y": None, "extrapolated": None},
    ]


def test_row_groups_of_parquet_are_not_as_small_as_batches(
    tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.predict.csv_reader.BLOCK_BYTES", 400)
    monkeypatch.setattr(writers, "ROW_GROUP_ROWS", 1000)
    predict("sum", table_of(tmp_path, "a,b\n" + "1,2\n" * 2500), "--output", tmp_path / "out.parquet")
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [1000, 1000, 500]


def test_a_table_without_rows_gives_one_without_rows(tmp_path: Path, predict: Predict) -> None:
    for text in ("a,b\n", "a,b", "a,b\n\n\n"):
        assert predict("sum", table_of(tmp_path, text))[1] == "a,b,predicted_y,extrapolated,warnings\n"
        predict("sum", tmp_path / "table.csv", "--output", tmp_path / "out.parquet")
        assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_several_outputs_have_a_column_each(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    outputs = [{"name": "output", "datatype": "FP64", "shape": [-1, 2], "columns": ["same", "half"]}]
    weights = helper.make_tensor("W", TensorProto.DOUBLE, [1, 2], [1.0, 0.5])
    graph = arithmetic_graph([helper.make_node("MatMul", ["input", "W"], ["output"])], [weights], width=1, outputs=2)
    inputs = [{"name": "input", "datatype": "FP64", "shape": [-1, 1], "columns": ["x, y"]}]
    ranges = manifest_of("both", 1)["training"] | {"ranges": [[0, 1]]}
    manifest = manifest_of("both", 1, inputs=inputs, outputs=outputs, training=ranges)
    write_version(tmp_path, onnx_bytes(graph), manifest)
    table = table_of(tmp_path, '"x, y"\n3\n\n?\n')
    assert main(["both", str(table), "--repository", str(tmp_path)]) == 0
    assert capfd.readouterr().out == (
        '"x, y",predicted_same,predicted_half,extrapolated,warnings\n3,3.0,1.5,true,\n'
        "?,,,,\"column 'x, y' is '?', which is not a number\"\n"
    )


def test_a_version_may_be_named(tmp_path: Path, predict: Predict) -> None:
    path = table_of(tmp_path, "a,b\n1,2\n")
    assert rows(predict("sum", path)[1])[0]["predicted_y"] == "3.0"
    assert rows(predict("sum", path, "--version", 1)[1])[0]["predicted_y"] == "300.0"


def test_the_folder_of_one_model_is_read_by_the_name_of_the_setting(
    tmp_path: Path, repository: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NALU_MODEL_NAME", "price")
    path = table_of(tmp_path, "a,b\n1,2\n")
    for folder, prediction in (("sum", "3.0"), ("sum/1", "300.0")):  # versions, and the files of one
        assert main(["price", str(path), "--repository", str(repository / folder)]) == 0
        assert rows(capfd.readouterr().out)[0]["predicted_y"] == prediction
    assert main(["sum", str(path), "--repository", str(repository / "sum")]) == 2
    assert capfd.readouterr().err == (
        f"nalu-serve: There is no model 'sum' in {repository / 'sum'}; it has price, as NALU_MODEL_NAME says.\n"
    )
    assert main(["price", str(path), "--repository", str(repository)]) == 2
    assert capfd.readouterr().err == (
        f"nalu-serve: {repository} holds models (brightness, ratio, sum, ...), and NALU_MODEL_NAME is for the folder "
        "of one; give that folder, or leave NALU_MODEL_NAME out.\n"
    )


def test_an_output_may_replace_its_table_and_has_the_rights_of_a_new_file(tmp_path: Path, predict: Predict) -> None:
    path = table_of(tmp_path, "a,b\n1,2\n")
    assert predict("sum", path, "--output", path)[:2] == (0, "")
    assert path.read_text() == "a,b,predicted_y,extrapolated,warnings\n1,2,3.0,false,\n"
    (tmp_path / "new").touch()
    assert path.stat().st_mode == (tmp_path / "new").stat().st_mode
    assert files(tmp_path) == ["new", "table.csv"]


def broken_parquet(tmp_path: Path) -> bytes:
    pq.write_table(pa.table({"a": np.arange(9000.0), "b": np.arange(9000.0)}), tmp_path / "whole")
    content = bytearray((tmp_path / "whole").read_bytes())
    (tmp_path / "whole").unlink()
    content[4:2000] = b"\xff" * 1996
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ("a,c\n1,2\n", ["sum"], LACKS.format("a, c")),
        ("", ["sum"], LACKS.format("none").replace("lacks b", "lacks a, b")),
        ('"a,b\n1,2', ["sum"], "The header of {table} is no CSV: unexpected end of data; quote as RFC 4180."),
        (
            "a,b," + "c" * 131_073 + "\n",
            ["sum"],
            "The header of {table} has a cell of more than 131072 characters; shorten it, or close a quote that was "
            "left open before.",
        ),
        ("a,b,a\n", ["sum"], "The table names column 'a' twice; rename one of the two."),
        (
            "a,b,extrapolated\n",
            ["sum"],
            "The table has a column 'extrapolated', which the answer adds; rename or remove it.",
        ),
        (b"\xff\xfea\0,\0b\0", ["sum"], "{table} is not in UTF-8; " + CONVERT),
        (b"a,b\n1,2\n1,\xe9\n", ["sum"], "{table} is not in UTF-8 after row 0; " + CONVERT),
        ("PK\3\4...", ["sum"], "{table} is a workbook or a zip archive; save the table in it as CSV or Parquet."),
        (
            b"\x1f\x8b...",
            ["sum"],
            "{table} is compressed; decompress it, as with `zcat FILE | python -m app.predict MODEL -`.",
        ),
        ("PAR1", ["sum"], "{table} is a broken Parquet file: " + SHORT),
        (
            "a,b\n1,2\n",
            ["brightness"],
            "Model 'brightness' takes images, and a table has rows of numbers; start the service (python -m app) "
            "and send them to POST /predict/image.",
        ),
        (
            "a,b\n1,2\n",
            ["nobody"],
            "There is no model 'nobody' in {repository}; it has brightness, ratio, sum, unknown.",
        ),
        ("a,b\n1,2\n", ["sum", "--version", "7"], "Model 'sum' has no version 7; it has 1, 2."),
        (
            "a,b\n1,2\n",
            ["sum", "--output", "x.txt"],
            "The output 'x.txt' must end in .csv or .parquet, or be - for stdout.",
        ),
        ("a,b\n1,2\n", ["sum", "--output", "/none/x.csv"], "/none/x.csv cannot be written: No such file or directory."),
    ],
)
def test_what_cannot_be_done_ends_with_a_sentence(
    tmp_path: Path, repository: Path, predict: Predict, content: str | bytes, arguments: list[str], message: str
) -> None:
    table = table_of(tmp_path, content)
    model, *options = arguments
    code, out, err = predict(model, table, *(options or ["--output", tmp_path / "out.csv"]))
    assert (code, out) == (2, "")
    assert err == [f"nalu-serve: {message.format(table=table, repository=repository)}"]
    assert files(tmp_path) == ["table.csv"]


def test_a_table_that_breaks_in_the_middle_leaves_no_output(
    tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.predict.csv_reader.BLOCK_BYTES", 400)
    table_of(tmp_path, b"a,b\n" + b"1,2\n" * 1000 + b"\xe9,1\n")
    table_of(tmp_path, broken_parquet(tmp_path), "table.parquet")
    (tmp_path / "out.csv").write_text("older\n")
    for name in ("table.csv", "table.parquet"):
        code, out, err = predict("sum", tmp_path / name, "--output", tmp_path / "out.csv")
        assert (code, out, len(err)) == (2, "", 1)
        assert err[0].startswith(f"nalu-serve: {tmp_path / name} is ")
    assert (tmp_path / "out.csv").read_text() == "older\n"
    assert files(tmp_path) == ["out.csv", "table.csv", "table.parquet"]


def test_a_table_or_a_repository_that_is_not_there_is_named(tmp_path: Path, predict: Predict) -> None:
    code, _, err = predict("sum", tmp_path / "none.csv")
    assert (code, err) == (2, [f"nalu-serve: {tmp_path / 'none.csv'} cannot be read: No such file or directory."])
    code, _, err = predict("sum", tmp_path)
    assert (code, err) == (2, [f"nalu-serve: {tmp_path} cannot be read: Is a directory."])


def test_a_folder_that_cannot_be_read_is_named_and_others_are_not_needed(
    repository: Path, tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n1,2\n")
    closed = repository / "ratio"
    listed = os.scandir

    def scandir(folder: str | Path) -> Any:
        if Path(folder) == closed:
            raise PermissionError(13, "Permission denied", str(folder))
        return listed(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    assert predict("sum", table)[0] == 0
    assert predict("ratio", table) == (2, "", [f"nalu-serve: {closed} cannot be read: Permission denied."])
    others = f"There is no model 'nope' in {repository}; it has brightness, sum, unknown."
    assert predict("nope", table) == (2, "", [f"nalu-serve: {others}"])
    closed = repository
    assert predict("sum", table) == (2, "", [f"nalu-serve: {closed} cannot be read: Permission denied."])


@pytest.mark.parametrize("library", ["pyarrow", "tqdm"])
def test_without_the_extra_the_command_names_it(
    tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    for module in [name for name in sys.modules if name.startswith("app.predict.") and name != "app.predict.__main__"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, library, None)
    code, _, [line] = predict("sum", table_of(tmp_path, "a,b\n1,2\n"))
    assert code == 2
    assert line == f"nalu-serve: app.predict needs {library}: install it with pip install 'nalu-serve[tables]'."


def test_the_progress_bar_ends_where_the_table_does(
    tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars: list[Any] = []

    class Bar(tqdm):  # type: ignore[type-arg]
        def __init__(self, **options: Any) -> None:
            super().__init__(**options | {"disable": False})
            bars.append(self)

    monkeypatch.setattr("app.predict.run.tqdm", Bar)
    path = table_of(tmp_path, "a,b\n" + "1,2\n" * 100)
    predict("sum", path, "--output", tmp_path / "table.parquet")
    pq.write_table(pa.table({"a": [1.0] * 70, "b": [2.0] * 70}), tmp_path / "table.parquet")
    predict("sum", tmp_path / "table.parquet")
    assert [(bar.n, bar.total, bar.unit) for bar in bars] == [(404, 404, "B"), (70, 70, " rows")]


def test_an_interrupt_leaves_no_output(tmp_path: Path, predict: Predict, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(writers.CSVWriter, "write", interrupt)
    code, _, err = predict("sum", table_of(tmp_path, "a,b\n1,2\n"), "--output", tmp_path / "out.csv")
    assert (code, err) == (130, ["nalu-serve: Interrupted; no file was written."])
    assert files(tmp_path) == ["table.csv"]
