"""Tables sent to POST /predict/arithmetic: CSV and Arrow streams, answered in kind or as Accept asks."""

import csv
import gzip
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from httpx import Response
from onnx import TensorProto, helper

from app.codecs.tables.arrow_stream import read_arrow
from app.errors import ServiceError, TooLargeError
from app.settings import Settings
from models.manifest import Manifest
from tests.app.expect import expect_problem
from tests.app.factory import (
    TestClient,
    arithmetic_graph,
    manifest_of,
    onnx_bytes,
    running,
    write_ratio,
    write_sum,
    write_version,
)

CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
NOT_FINITE = "The result is not finite: a division by zero or an overflow."
RULE = "give a finite number in every cell of the model's columns."


def ask(
    client: TestClient,
    content: str | bytes,
    model: str = "sum",
    kind: str = CSV,
    accept: str | None = None,
    query: str = "",
) -> Response:
    headers = {"Content-Type": kind} | ({"Accept": accept} if accept else {})
    response: Response = client.post(f"/predict/arithmetic?model={model}{query}", content=content, headers=headers)
    return response


def stream(table: pa.Table, rows: int | None = None, **options: Any) -> bytes:
    """An Arrow stream, in batches of so many rows."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, rows)
    return bytes(sink.getvalue())


def rows(response: Response) -> list[dict[str, Any]]:
    """The rows of an answer."""
    assert response.status_code == 200, response.text
    kind = response.headers["content-type"]
    if kind == ARROW:
        return list(pa.ipc.open_stream(response.content).read_all().to_pylist())
    assert kind == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


def test_the_answer_is_the_table_with_predictions_extrapolated_and_warnings(client: TestClient) -> None:
    answer = ask(client, "a,b\n1.50,4\n-3,1e1\n").text
    assert answer == "a,b,predicted_y,extrapolated,warnings\n1.50,4,5.5,false,\n-3,1e1,7.0,true,\n"


def test_columns_are_found_by_name_and_others_pass_through_as_they_came(client: TestClient) -> None:
    content = '\ufeff"id", b ,note,a\r\n007,4,"x, ""y""\nz",1\r\n\r\n"8",-5,,2\r\n'
    assert rows(ask(client, content.encode())) == [
        {
            "id": "007",
            " b ": "4",
            "note": 'x, "y"\nz',
            "a": "1",
            "predicted_y": "5.0",
            "extrapolated": "false",
            "warnings": "",
        },
        {"id": "8", " b ": "-5", "note": "", "a": "2", "predicted_y": "-3.0", "extrapolated": "false", "warnings": ""},
    ]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_told_by_the_header_and_the_answer_has_commas(client: TestClient, delimiter: str) -> None:
    content = 'a;b;"c,d"\n1;2;x,y\n'.replace(";", delimiter)
    assert ask(client, content).text.splitlines()[:2] == [
        'a,b,"c,d",predicted_y,extrapolated,warnings',
        '1,2,"x,y",3.0,false,',
    ]


def test_every_number_comes_back_bit_for_bit(client: TestClient) -> None:
    values = np.random.default_rng(0).normal(size=(1000, 2)) * 10.0 ** np.arange(-300, 200, 0.5)[:, None]
    content = "a,b\n" + "".join(f"{a!r},{b!r}\n" for a, b in values.tolist())
    expected = values[:, 0] + values[:, 1]
    found = np.array([float(row["predicted_y"]) for row in rows(ask(client, content))])
    assert found.tobytes() == expected.tobytes()
    table = pa.table({"a": values[:, 0], "b": values[:, 1]})
    found = np.array([row["predicted_y"] for row in rows(ask(client, stream(table), kind=ARROW))])
    assert found.tobytes() == expected.tobytes()


def test_arrow_is_answered_in_kind_whatever_the_types_of_its_columns(client: TestClient) -> None:
    table = pa.table(
        {
            "b": pa.array([4, -9], pa.int16()),
            "who": pa.array(["x", None]).dictionary_encode(),
            "a": pa.chunked_array([pa.array([1.5], pa.float32()), pa.array([2.5], pa.float32())]),
            "list": [[1], []],
        }
    )
    answer = ask(client, stream(table), kind=ARROW)
    assert rows(answer) == [
        {"b": 4, "who": "x", "a": 1.5, "list": [1], "predicted_y": 5.5, "extrapolated": False, "warnings": None},
        {"b": -9, "who": None, "a": 2.5, "list": [], "predicted_y": -6.5, "extrapolated": True, "warnings": None},
    ]
    assert pa.ipc.open_stream(answer.content).schema.field("b").type == pa.int16()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (ARROW, ARROW),
        (f"application/json;q=0.5, {ARROW}", ARROW),
        (f"{ARROW};q=0.1, */*;q=0.9", "text/csv; charset=utf-8"),
        ("text/html", "text/csv; charset=utf-8"),
        (f"{ARROW};q=0", "text/csv; charset=utf-8"),
        (f"{ARROW};q=x", "text/csv; charset=utf-8"),
        ("Application/JSON", "application/json"),
    ],
)
def test_accept_chooses_the_type_of_the_answer(client: TestClient, accept: str, kind: str) -> None:
    assert ask(client, "a,b\n1,4\n", accept=accept).headers["content-type"] == kind


def test_a_table_in_another_type_has_the_same_rows(client: TestClient) -> None:
    text = ask(client, "a,b,c\n1,0,x\n8,2,y\n", "ratio", accept=ARROW)
    assert rows(text) == [
        {"a": 1.0, "b": 0.0, "c": "x", "predicted_y": None, "extrapolated": False, "warnings": NOT_FINITE},
        {"a": 8.0, "b": 2.0, "c": "y", "predicted_y": 4.0, "extrapolated": True, "warnings": None},
    ]
    table = pa.table({"a": [1, 8], "b": [0.0, 2.0], "c": [True, None]})
    assert ask(client, stream(table), "ratio", ARROW, CSV).text.splitlines()[1:] == [
        f"1,0,true,,false,{NOT_FINITE}",
        "8,2,,4.0,true,",
    ]


def test_json_is_the_answer_to_the_same_rows_in_json(client: TestClient) -> None:
    content = [[1, 0], [8, 2]] * 10
    in_json = client.post("/predict/arithmetic", json={"model": "ratio", "inputs": content})
    text = "a,b\n" + "".join(f"{a},{b}\n" for a, b in content)
    assert ask(client, text, "ratio", accept="application/json").content == in_json.content


def test_several_outputs_have_a_column_each(tmp_path: Path) -> None:
    outputs = [{"name": "output", "datatype": "FP64", "shape": [-1, 2], "columns": ["sum", "difference"]}]
    weights = helper.make_tensor("W", TensorProto.DOUBLE, [2, 2], [1.0, 1.0, 1.0, -1.0])
    graph = arithmetic_graph([helper.make_node("MatMul", ["input", "W"], ["output"])], [weights], outputs=2)
    write_version(tmp_path, onnx_bytes(graph), manifest_of("both", 1, outputs=outputs))
    with running(tmp_path) as client:
        [row] = rows(ask(client, "a,b\n1,4\n", "both"))
    assert (row["predicted_sum"], row["predicted_difference"]) == ("5.0", "-3.0")


def test_where_the_training_range_is_not_known_extrapolated_is_blank(tmp_path: Path) -> None:
    write_sum(tmp_path, training=manifest_of("sum", 1)["training"] | {"ranges": []})
    with running(tmp_path) as client:
        [row] = rows(ask(client, "a,b\n1,4\n"))
        assert (row["predicted_y"], row["extrapolated"]) == ("5.0", "")
        [row] = rows(ask(client, "a,b\n1,4\n", accept=ARROW))
    assert row["extrapolated"] is None


def test_a_version_is_chosen_in_the_query(client: TestClient) -> None:
    assert rows(ask(client, "a,b\n1,2\n", query="&version=1"))[0]["predicted_y"] == "300.0"
    expect_problem(ask(client, "a,b\n1,2\n", query="&version=7"), 404, "Model 'sum' has no version 7; it has 1, 2.")


def test_a_compressed_body_is_read(client: TestClient) -> None:
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Encoding": "gzip"}
    url = "/predict/arithmetic?model=sum"
    assert rows(client.post(url, content=gzip.compress(b"a,b\n1,2\n"), headers=headers))[0]["predicted_y"] == "3.0"


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("", "is blank"),
        (" ", "is blank"),
        ("nan", "is nan, which is not finite"),
        ("-Infinity", "is -Infinity, which is not finite"),
        ("1e999", "is 1e999, which is not finite"),
        ("twelve", "is 'twelve', which is not a number"),
        ("1_000", "is '1_000', which is not a number"),
        ("0x10", "is '0x10', which is not a number"),
        ('"1,5"', "is '1,5', which is not a number"),
        ("x" * 100_000, f"is '{'x' * 40}', which is not a number"),
    ],
)
def test_a_cell_that_is_no_finite_number_is_named_by_row_and_column(client: TestClient, cell: str, fault: str) -> None:
    problem = expect_problem(ask(client, f'c,b,a\n"x\ny",1,2\n\n,{cell},3\n'), 422)
    assert problem["detail"] == f"Row 2 (line 5), column 'b' {fault}; {RULE}"
    assert problem["errors"] == [{"location": "row 2 (line 5), column 'b'", "message": problem["detail"]}]


def test_the_first_ten_of_many_faults_are_listed(client: TestClient) -> None:
    problem = expect_problem(ask(client, "a,b\n" + "1,2\n,\n" * 1000), 422)
    assert [error["location"] for error in problem["errors"]] == [
        f"row {row} (line {row + 1}), column 'a'" for row in range(2, 22, 2)
    ]


@pytest.mark.parametrize(
    ("column", "detail"),
    [
        (pa.array([1.0, None]), f"Row 2, column 'b' is blank; {RULE}"),
        (pa.array([1.0, float("nan")], pa.float64()), f"Row 2, column 'b' is nan, which is not finite; {RULE}"),
        (pa.array([1.0, float("-inf")]), f"Row 2, column 'b' is -inf, which is not finite; {RULE}"),
        (pa.array(["1", "2"]), "Column 'b' is of type string; the model takes numbers."),
        (pa.array([True, False]), "Column 'b' is of type bool; the model takes numbers."),
    ],
)
def test_a_column_of_arrow_that_holds_no_finite_numbers_is_refused(
    client: TestClient, column: pa.Array, detail: str
) -> None:
    expect_problem(ask(client, stream(pa.table({"a": [1, 2], "b": column})), kind=ARROW), 422, detail)


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (
            "a,c\n1,2\n",
            "Model 'sum' takes the columns a, b; the table has a, c, and lacks b: its first line must name the "
            "columns.",
        ),
        (
            "3,4\n1,2\n",
            "Model 'sum' takes the columns a, b; the table has 3, 4, and lacks a, b: its first line must name the "
            "columns.",
        ),
        (
            "",
            "Model 'sum' takes the columns a, b; the table has none, and lacks a, b: its first line must name the "
            "columns.",
        ),
        ("a,b\n", "The table has no rows; send at least one."),
        ("a,b,a\n1,2,3\n", "The table names column 'a' twice; rename one of the two."),
        ("a,b,warnings\n1,2,3\n", "The table has a column 'warnings', which the answer adds; rename or remove it."),
        (
            "a,b,predicted_y\n1,2,3\n",
            "The table has a column 'predicted_y', which the answer adds; rename or remove it.",
        ),
        ("a,b\n1,2\n1,2,3\n", "Row 2 (line 3) has 3 fields, the header has 2; give every row 2."),
        ("a,b\n1,2\n1\n", "Row 2 (line 3) has 1 fields, the header has 2; give every row 2."),
        ('a,b\n1,"2\n', "Line 2 of the table is no CSV: unexpected end of data; quote as RFC 4180."),
        (
            "a,b\n1," + "2" * 131_073,
            "Line 2 of the table has a cell of more than 131072 characters; shorten it, or close a quote that was left "
            "open before.",
        ),
        ('a,b\n1,"2"3\n', "Line 2 of the table is no CSV: ',' expected after '\"'; quote as RFC 4180."),
        (b"a,b\n1,\xe9\n", "The table is not in UTF-8 (byte 6); convert it."),
    ],
)
def test_a_csv_that_does_not_fit_is_refused(client: TestClient, content: str | bytes, detail: str) -> None:
    expect_problem(ask(client, content), 422, detail)


def test_a_table_of_very_many_columns_is_refused_in_a_short_sentence(client: TestClient) -> None:
    names = ",".join(f"{number:0100}" for number in range(1000))
    detail = expect_problem(ask(client, f"{names}\n"), 422)["detail"]
    assert detail.endswith("... and 990 more, and lacks a, b: its first line must name the columns.")
    assert len(detail) < 1000


def test_what_is_no_arrow_stream_is_refused(client: TestClient) -> None:
    whole = stream(pa.table({"a": [1.0], "b": [2.0]}))
    message = "The body is not a whole Arrow IPC stream; write it as pyarrow.ipc does."
    for content in (b"", b"a,b\n1,2\n", whole[:-40], whole[:100], whole[:8] + b"\xff" * 40 + whole[48:]):
        expect_problem(ask(client, content, kind=ARROW), 422, message)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_buffers_which_may_hold_any_amount_are_refused(client: TestClient, compression: str) -> None:
    bomb = pa.table({"a": np.zeros(1_000_000), "b": np.zeros(1_000_000)})
    words = pa.table({"a": [1.0], "b": [2.0], "c": pa.array(["x" * 1000]).dictionary_encode()})
    message = "The Arrow stream has compressed buffers; write it without, and compress the body with gzip instead."
    for table in (bomb, words):
        expect_problem(ask(client, stream(table, compression=compression), kind=ARROW), 422, message)


def test_a_bit_flipped_anywhere_in_an_arrow_stream_is_read_or_refused() -> None:
    whole = stream(pa.table({"a": [1.0, 2.0], "b": [2.0, 3.0], "c": ["x", "yz"]}))
    manifest, random = Manifest.model_validate(manifest_of("sum", 1)), np.random.default_rng(0)
    refused = 0
    for position in random.integers(0, len(whole), 300).tolist():
        flipped = bytearray(whole)
        flipped[position] ^= 1 << int(random.integers(8))
        try:
            read_arrow(bytes(flipped), manifest, Settings())
        except ServiceError:
            refused += 1
    assert 100 < refused < 300


def test_without_pyarrow_arrow_is_refused_with_the_name_of_the_extra_and_csv_is_read(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = stream(pa.table({"a": [1.0], "b": [2.0]}))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = (
        "Arrow streams need pyarrow, which this service lacks: pip install 'nalu-serve[tables]' adds it; text/csv "
        "needs nothing."
    )
    expect_problem(ask(client, content, kind=ARROW), 415, message)
    expect_problem(ask(client, "a,b\n1,2\n", accept=ARROW), 415, message)
    assert rows(ask(client, "a,b\n1,2\n"))[0]["predicted_y"] == "3.0"


def test_a_table_names_its_model_in_the_query_and_json_in_its_body(client: TestClient) -> None:
    url = "/predict/arithmetic"
    message = f"The body is {CSV}, whose model the query names: POST it to {url}?model=NAME."
    for content, query in (("a,b\n1,2\n", ""), ("a,b\n" + "1,2\n" * 20_000, ""), ("a,b\n1,2\n", "?version=1")):
        expect_problem(client.post(url + query, content=content, headers={"Content-Type": CSV}), 422, message)
    body = {"model": "sum", "inputs": [[1, 2]]}
    message = (
        "The query names the model of a table, but the body is JSON, which names its own; leave the query out, or send "
        f"a table with the Content-Type {CSV} or {ARROW}."
    )
    for query in ("?model=sum", "?version=1", "?model="):
        expect_problem(client.post(url + query, json=body), 422, message)
    assert client.post(url + "?trace=1", json=body).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "detail"),
    [
        ("?model=nobody", 404, "There is no model 'nobody'; GET /models lists all models."),
        ("?model=shade", 422, "Model 'shade' takes images, not numbers; use POST /predict/image."),
        ("?model=sum&x=1", 422, "query.x: Extra inputs are not permitted."),
        ("?model=sum&version=0", 422, 'query.version: Input should be greater than or equal to 1, not "0".'),
    ],
)
def test_a_query_that_does_not_fit_is_refused(client: TestClient, query: str, status: int, detail: str) -> None:
    response = client.post(f"/predict/arithmetic{query}", content="a,b\n1,2\n", headers={"Content-Type": CSV})
    expect_problem(response, status, detail)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = tmp_path_factory.mktemp("repository")
    write_sum(root)
    write_ratio(root)
    with running(root, max_rows=500, max_json_values=2000, max_body_bytes=20_000) as client:
        yield client


def test_one_row_too_many_is_refused(small: TestClient) -> None:
    message = "The table has 501 rows; at most 500 are taken, so send several."
    assert len(rows(ask(small, "a,b\n" + "1,2\n" * 500))) == 500
    expect_problem(ask(small, "a,b\n" + "1,2\n" * 501), 413, message)
    table = pa.table({"a": np.ones(501), "b": np.ones(501)})
    assert len(rows(ask(small, stream(table[:500]), kind=ARROW))) == 500
    expect_problem(ask(small, stream(table), kind=ARROW), 413, message)
    expect_problem(ask(small, stream(table, 100), kind=ARROW), 413, message)


def test_one_cell_too_many_is_refused(small: TestClient) -> None:
    def text(columns: int, lines: int) -> str:
        return "\n".join(
            [
                ",".join(["a", "b", *(f"c{number}" for number in range(columns - 2))]),
                *["1,2" + "," * (columns - 2)] * lines,
            ]
        )

    assert len(rows(ask(small, text(5, 400)))) == 400
    expect_problem(
        ask(small, text(5, 401)), 413, "The table has about 2004 cells; at most 2000 are taken, so send several."
    )
    message = "The table has about 2398 cells; at most 2000 are taken, so send several."
    expect_problem(ask(small, "a,b\n" + "," * 2398), 413, message)
    table = pa.table({name: np.ones(401) for name in "abcde"})
    assert len(rows(ask(small, stream(table[:400]), kind=ARROW))) == 400
    message = "The table has 2005 cells; at most 2000 are taken, so send several."
    expect_problem(ask(small, stream(table), kind=ARROW), 413, message)


def test_cells_are_counted_in_a_header_alone_and_in_lines_that_end_as_on_old_computers(small: TestClient) -> None:
    message = "The table has about {} cells; at most 2000 are taken, so send several."
    header = ",".join(["a", "b", *(f"c{number}" for number in range(1998))])
    expect_problem(ask(small, header), 422, "The table has no rows; send at least one.")
    expect_problem(ask(small, f"{header},d"), 413, message.format(2001))
    expect_problem(ask(small, "a,b\r" + "," * 2398), 413, message.format(2398))


@pytest.mark.parametrize("kind", ["dictionary", "string_view"])
def test_a_value_that_many_cells_share_is_not_written_out_beyond_the_limit_of_a_body(
    small: TestClient, kind: str
) -> None:
    def table(size: int) -> bytes:
        words = pa.array(["x" * size])
        places = pa.array(np.zeros(200, np.int32))
        if kind == "dictionary":
            column = pa.DictionaryArray.from_arrays(places, words)
        else:
            view, text = (
                np.frombuffer(pa.array(["x" * size], pa.string_view()).buffers()[1], np.uint8),
                words.buffers()[2],
            )
            column = pa.Array.from_buffers(pa.string_view(), 200, [None, pa.py_buffer(view.tobytes() * 200), text])
        return stream(pa.table({"a": np.ones(200), "b": np.ones(200), "c": column}))

    assert rows(ask(small, table(100), kind=ARROW, accept=CSV))[199]["c"] == "x" * 100
    message = "The cells of c have 20200 bytes as text; at most 20000 are written, so ask for an Arrow stream, or send "
    expect_problem(ask(small, table(101), kind=ARROW, accept=CSV), 413, f"{message}several tables.")
    assert len(rows(ask(small, table(101), kind=ARROW))) == 200


def test_a_large_dictionary_is_not_checked_again_for_any_number_of_batches() -> None:
    words = pa.array(["x" * 100_000])
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(400, np.int8)), words)
    table = pa.table({"a": np.ones(400), "b": np.ones(400), "c": column})
    manifest = Manifest.model_validate(manifest_of("sum", 1))
    assert len(read_arrow(stream(table, 10), manifest, Settings()).inputs) == 400
    with pytest.raises(
        TooLargeError, match=r"over [0-9]+ batches that share large dictionaries; write fewer and larger"
    ):
        read_arrow(stream(table, 1), manifest, Settings())


def test_one_byte_too_many_is_refused(small: TestClient) -> None:
    content = "a,b\n1,".ljust(20_000 - 1, "0") + "\n"
    assert rows(ask(small, content))[0]["predicted_y"] == "1.0"
    message = "The request body is larger than 20000 bytes; send fewer rows or files at a time."
    expect_problem(ask(small, content.replace("a,b\n1,", "a,b\n1,0")), 413, message)


def test_rows_of_tables_are_counted_in_the_metrics(small: TestClient) -> None:
    def count() -> float:
        lines = small.get("/metrics").text.splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith('nalu_prediction_rows_total{model="ratio"')
        )

    before = count()
    ask(small, "a,b\n" + "1,2\n" * 7, "ratio")
    assert count() == before + 7
