import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.conftest import MAX_BODY_BYTES
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, manifest_of, running, sum_onnx, write_version

URL = "/predict/arithmetic"


def body_of(inputs: str, model: str = "sum") -> bytes:
    return f'{{"model": "{model}", "inputs": {inputs}}}'.encode()


def body_of_length(length: int) -> bytes:
    body = body_of("[[3, 4]]")
    return body + b" " * (length - len(body))


def in_chunks(body: bytes) -> Iterator[bytes]:
    """Sent without a Content-Length."""
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


@pytest.mark.parametrize(
    ("row", "location", "message"),
    [
        ("[[3, 4, 5]]", "body.inputs.0", "Model 'sum' takes 2 columns (a, b); row 0 has 3."),
        ("[[3, 4], [5]]", "body.inputs.1", "Model 'sum' takes 2 columns (a, b); row 1 has 1."),
        ("[[]]", "body.inputs.0", "Model 'sum' takes 2 columns (a, b); row 0 has 0."),
    ],
)
def test_a_row_of_wrong_width_is_refused_with_the_columns_named(
    client: TestClient, row: str, location: str, message: str
) -> None:
    problem = expect_problem(client.post(URL, content=body_of(row)), 422, message)
    assert problem["errors"] == [{"location": location, "message": message}]


def test_one_column_is_spoken_of_in_the_singular(tmp_path: Path) -> None:
    inputs = [{"name": "input", "datatype": "FP64", "shape": [-1, 1], "columns": ["a"]}]
    training = manifest_of("one", 1)["training"] | {"ranges": [[0, 1]]}
    manifest = manifest_of("one", 1, inputs=inputs, training=training, dims=[1, 1])
    write_version(tmp_path, sum_onnx(width=1), manifest)
    with running(tmp_path) as client:
        response = client.post(URL, content=body_of("[[1], [1, 2]]", "one"))
    expect_problem(response, 422, "Model 'one' takes 1 column (a); row 1 has 2.")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("NaN", "Input should be a finite number, not NaN"),
        ("Infinity", "Input should be a finite number, not Infinity"),
        ("-Infinity", "Input should be a finite number, not -Infinity"),
        ("1e999", "Input should be a finite number, not Infinity"),
        ("9" * 400, "Input should be a finite number"),
        ('"1.5"', 'Input should be a valid number, not "1.5"'),
        ("true", "Input should be a valid number, not true"),
        ("null", "Input should be a valid number, not null"),
        ("[1]", "Input should be a valid number"),
        ("{}", "Input should be a valid number"),
    ],
)
def test_what_is_no_finite_number_is_refused_with_its_place(client: TestClient, value: str, message: str) -> None:
    response = client.post(URL, content=body_of(f"[[1, 2], [3, {value}]]"))
    problem = expect_problem(response, 422, f"body.inputs.1.1: {message}.")
    assert problem["errors"] == [{"location": "body.inputs.1.1", "message": message}]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "body: Invalid JSON: EOF while parsing a value at line 1 column 0."),
        (b'{"model": "sum"', "body: Invalid JSON: EOF while parsing an object at line 1 column 15."),
        (b"null", "body: Input should be an object, not null."),
        (b"[]", "body: Input should be an object."),
        (b"\xff\xfe", "body: Invalid JSON: expected value at line 1 column 1."),
        (b'{"model": "\xff"}', "body: Invalid JSON: invalid unicode code point at line 1 column 12."),
        (b"[" * 100_000, "The body is nested deeper than 32 levels, which is the limit; send plain rows."),
        (b'{"model": "sum"}', "body.inputs: Field required."),
        (b'{"inputs": [[1, 2]]}', "body.model: Field required."),
        (body_of("[]"), "body.inputs: List should have at least 1 item after validation, not 0."),
        (body_of("[1, 2]"), "body.inputs.0: Input should be a valid array, not 1."),
        (body_of('[[1, 2]], "x": 1'), "body.x: Extra inputs are not permitted."),
        (body_of('[[1, 2]], "version": "1"'), 'body.version: Input should be a valid integer, not "1".'),
        (body_of('[[1, 2]], "version": true'), "body.version: Input should be a valid integer, not true."),
        (body_of('[[1, 2]], "version": 0'), "body.version: Input should be greater than or equal to 1, not 0."),
        (
            body_of('[[1, 2]], "version": 1000000001'),
            "body.version: Input should be less than or equal to 1000000000, not 1000000001.",
        ),
        (b'{"model": 7, "inputs": [[1, 2]]}', "body.model: Input should be a valid string, not 7."),
        (
            body_of("[[1, 2]]", "shade"),
            "Model 'shade' takes images, not numbers; use POST /predict/image.",
        ),
    ],
    ids=lambda value: str(value[:30]),
)
def test_a_body_of_another_shape_is_refused(client: TestClient, body: bytes, detail: str) -> None:
    expect_problem(client.post(URL, content=body), 422, detail)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (body_of("[[1, 2]]", "nobody"), "There is no model 'nobody'; GET /models lists all models."),
        (body_of("[[1, 2]]", "../sum"), "There is no model '../sum'; GET /models lists all models."),
        (body_of("[[1, 2]]", ""), "There is no model ''; GET /models lists all models."),
        (body_of('[[1, 2]], "version": 7'), "Model 'sum' has no version 7; it has 1, 2."),
    ],
)
def test_an_unknown_model_or_version_is_not_found(client: TestClient, body: bytes, detail: str) -> None:
    expect_problem(client.post(URL, content=body), 404, detail)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (json.dumps({"model": "sum", "inputs": [["x" * 10] * 70_000]}).encode(), 422),
        (json.dumps({"model": "sum", "inputs": "x" * 1_000_000}).encode(), 422),
        (json.dumps({"model": "m" * 1_000_000, "inputs": [[1, 2]]}).encode(), 404),
        (json.dumps({"k" * 1_000_000: 1}).encode(), 422),
        (json.dumps({f"{i:0100}": 1 for i in range(9_000)}).encode(), 413),
        (body_of('[[1, 2]], "version": ' + "9" * 4_300), 422),
        (body_of(f"[[{'9' * 1_000_000}, 2]]"), 422),
    ],
    ids=["many-words", "long-word", "long-name", "long-key", "many-keys", "long-version", "long-number"],
)
def test_no_error_echoes_a_large_input(client: TestClient, body: bytes, status: int) -> None:
    expect_problem(client.post(URL, content=body), status)


def test_more_rows_than_allowed_are_refused(tmp_path: Path) -> None:
    write_version(tmp_path, sum_onnx(), manifest_of("sum", 1))
    with running(tmp_path, max_rows=3) as client:
        assert client.post(URL, content=body_of(str([[1, 2]] * 3))).status_code == 200
        response = client.post(URL, content=body_of(str([[1, 2]] * 4)))
    expect_problem(response, 413, "The request has 4 rows; at most 3 are taken, so send several.")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_refused(client: TestClient, chunked: bool) -> None:
    taken, refused = body_of_length(MAX_BODY_BYTES), body_of_length(MAX_BODY_BYTES + 1)
    assert client.post(URL, content=in_chunks(taken) if chunked else taken).json()["predictions"] == [[7.0]]
    response = client.post(URL, content=in_chunks(refused) if chunked else refused)
    limit = "The request body is larger than 2000000 bytes; send fewer rows or files at a time."
    expect_problem(response, 413, limit)


def test_a_body_that_claims_to_be_over_the_limit_is_not_waited_for(client: TestClient) -> None:
    response = client.post(URL, content=b"", headers={"Content-Length": str(MAX_BODY_BYTES + 1)})
    expect_problem(response, 413)
    assert response.headers["connection"] == "close"
