import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from httpx import Response
from numpy.typing import NDArray

from app.codecs.compression import MIN_COMPRESSED_BYTES
from app.codecs.v2.inputs import HEADER_LENGTH
from tests.app.conftest import MAX_BODY_BYTES
from tests.app.factory import TestClient, running, write_image, write_sum
from tests.app.v2_requests import ROWS, binary, body, expect_error, infer, tensor

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 1, 5, 7), dtype=np.uint8)
BYTES: dict[str, Any] = {"parameters": {"binary_data_output": True}}


def output_of(response: Response) -> NDArray[Any]:
    """The output tensor of a response, in JSON or binary."""
    assert response.status_code == 200, response.text
    length = response.headers.get(HEADER_LENGTH)
    (output,) = json.loads(response.content[: None if length is None else int(length)])["outputs"]
    kind = {"FP64": "<f8", "FP32": "<f4"}[output["datatype"]]
    if length is None:
        return np.array(output["data"], kind).reshape(output["shape"])
    assert response.headers["content-type"] == "application/octet-stream"
    rest = response.content[int(length) :]
    assert output["parameters"]["binary_data_size"] == len(rest)
    return np.frombuffer(rest, kind).reshape(output["shape"])


def test_a_plain_request_gets_the_protocols_response(client: TestClient) -> None:
    response = infer(client, "sum", body(id="42"))
    assert response.headers["content-type"] == "application/json"
    assert HEADER_LENGTH not in response.headers
    assert response.json() == {
        "model_name": "sum",
        "model_version": "2",
        "id": "42",
        "outputs": [{"name": "output", "datatype": "FP64", "shape": [2, 1], "data": [7.0, 750.0]}],
    }


@pytest.mark.parametrize("content_type", [None, "application/json", "application/octet-stream", "text/plain"])
def test_the_content_type_of_a_request_does_not_matter(client: TestClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content_type": content_type}
    assert output_of(infer(client, "sum", body(), **headers)).tolist() == [[7.0], [750.0]]


@pytest.mark.parametrize("requested", [{}, BYTES], ids=["json out", "binary out"])
@pytest.mark.parametrize("given", ["json", "binary"])
def test_tensors_travel_either_way_in_both_directions(
    client: TestClient, given: str, requested: dict[str, Any]
) -> None:
    for model, rows in (("sum", ROWS), ("brightness", IMAGES)):
        content = (body(tensor(rows), **requested), None) if given == "json" else binary(rows, **requested)
        expected = rows.mean(axis=(2, 3)) if model == "brightness" else rows.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(output_of(infer(client, model, *content)), expected, rtol=1e-6)


def test_a_body_without_json_is_one_row(client: TestClient) -> None:
    response = infer(client, "sum", ROWS[0].tobytes(), "0")
    assert output_of(response).tolist() == [[7.0]]


def test_a_version_may_be_named(client: TestClient) -> None:
    for version, expected in (("1", 700.0), ("2", 7.0)):
        response = client.post(f"/v2/models/sum/versions/{version}/infer", content=body())
        assert response.json()["model_version"] == version
        assert output_of(response)[0, 0] == expected


def test_colour_images_and_classes(client: TestClient) -> None:
    colours = np.full((2, 3, 4, 4), 51, np.uint8)
    np.testing.assert_allclose(output_of(infer(client, "colour", *binary(colours))), [[51.0], [51.0]])
    outputs = [{"name": "output", "parameters": {"classification": 1}}]
    response = infer(client, "shade", body(tensor(np.full((1, 1, 2, 2), 255, np.uint8)), outputs=outputs))
    assert response.json()["outputs"] == [
        {"name": "output", "datatype": "BYTES", "shape": [1, 1], "data": ["1.0:1:bright"]}
    ]


def test_images_of_many_pixels_are_computed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.routes.v2.inference.BATCH_PIXELS", 80)
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path) as client:
        np.testing.assert_allclose(
            output_of(infer(client, "brightness", *binary(IMAGES))), IMAGES.mean(axis=(2, 3)), rtol=1e-6
        )
        counted = client.get("/v2/models/brightness/stats").json()["model_stats"][0]
    assert (counted["inference_count"], counted["execution_count"]) == (3, 2)


def test_a_non_finite_row_fails_no_other(client: TestClient) -> None:
    rows = np.array([[1.0, 0.0], [6.0, 3.0]])
    output = infer(client, "ratio", body(tensor(rows))).json()["outputs"][0]
    assert output["data"] == [None, 2.0]
    assert "1 of 2 rows are not finite, the first is row 0" in output["parameters"]["not_finite"]
    assert output_of(infer(client, "ratio", *binary(rows, **BYTES))).tolist() == [[np.inf], [2.0]]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_requests_may_be_compressed(client: TestClient, encoding: str) -> None:
    pack: Callable[[bytes], bytes] = gzip.compress if encoding == "gzip" else zlib.compress
    content, length = binary(np.tile(ROWS, (5000, 1)), **BYTES)
    for compressed, header in ((pack(body()), None), (pack(content), length)):
        assert output_of(infer(client, "sum", compressed, header, content_encoding=encoding))[:2].tolist() == [
            [7.0],
            [750.0],
        ]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("rows", [500, 20_000], ids=["in line", "in a thread"])
def test_responses_are_compressed_as_requested(client: TestClient, encoding: str, rows: int) -> None:
    content, length = binary(np.tile(ROWS, (rows // 2, 1)), **BYTES)
    response = infer(client, "sum", content, length, accept_encoding=encoding)
    assert response.headers["content-encoding"] == encoding
    assert int(response.headers["content-length"]) < rows  # httpx has decompressed it
    assert output_of(response).tolist() == [[7.0], [750.0]] * (rows // 2)


def test_small_responses_and_responses_without_accept_encoding_are_not_compressed(client: TestClient) -> None:
    assert "content-encoding" not in infer(client, "sum", body(), accept_encoding="gzip").headers
    large = infer(client, "sum", *binary(np.tile(ROWS, (500, 1)), **BYTES), accept_encoding="identity")
    assert len(large.content) > MIN_COMPRESSED_BYTES
    assert "content-encoding" not in large.headers


def test_a_bomb_is_too_large(client: TestClient) -> None:
    bomb = gzip.compress(bytes(MAX_BODY_BYTES + 1))
    error = (
        f"The request body is larger than {MAX_BODY_BYTES} bytes once decompressed; send fewer rows or files at a time."
    )
    expect_error(infer(client, "sum", bomb, content_encoding="gzip"), 413, error)


def test_a_body_over_the_limit_is_too_large(client: TestClient) -> None:
    expect_error(infer(client, "sum", bytes(MAX_BODY_BYTES + 1)), 413)


def test_a_truncated_or_unknown_encoding_is_rejected(client: TestClient) -> None:
    compressed = gzip.compress(body())
    expect_error(infer(client, "sum", compressed[:-3], content_encoding="gzip"), 400)
    unknown = infer(client, "sum", body(), content_encoding="br")
    expect_error(unknown, 415, "Content-Encoding is 'br'; send gzip, deflate or identity.")
    assert unknown.headers["accept-encoding"] == "gzip, deflate, identity"
    expect_error(infer(client, "sum", compressed), 400)


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("nothing/infer", 404, "There is no model 'nothing'; GET /models lists all models."),
        ("sum/versions/3/infer", 404, "Model 'sum' has no version 3; it has 1, 2."),
        ("sum/versions/0/infer", 400, "Version '0' is not an integer from 1 to 1000000000."),
        ("sum/versions/-1/infer", 400, None),
        ("sum/versions/one/infer", 400, None),
        ("sum/versions/%C2%B2/infer", 400, None),
        (f"sum/versions/{'9' * 5000}/infer", 400, None),
        (f"{'x' * 5000}/infer", 404, None),
        ("sum/predict", 404, None),
    ],
)
def test_an_unknown_model_version_or_path_is_the_protocols_error(
    client: TestClient, path: str, status: int, error: str | None
) -> None:
    expect_error(client.post(f"/v2/models/{path}", content=body()), status, error)


def test_another_method_is_the_protocols_error(client: TestClient) -> None:
    expect_error(client.get("/v2/models/sum/infer"), 405)
    expect_error(client.post("/v2/models/sum"), 405)


def test_an_invalid_body_is_the_protocols_error(client: TestClient) -> None:
    error = "Model 'sum' takes input 'input' of shape [-1, 2], where -1 is free; the request has [2, 3]."
    expect_error(infer(client, "sum", body(tensor(np.ones((2, 3))))), 400, error)
    expect_error(infer(client, "sum", b'{"inputs": [' + b"[" * 100_000), 400)
    expect_error(infer(client, "sum", b"\x00" * 100_000), 400)
    expect_error(infer(client, "sum", body(), "1000000"), 400)


def test_one_row_too_many_is_too_large(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path, max_rows=1) as client:
        assert infer(client, "sum", body(tensor(ROWS[:1]))).status_code == 200
        error = "The request has 2 rows; at most 1 are taken, so send several."
        expect_error(infer(client, "sum", body()), 413, error)


def test_an_exceeded_timeout_gets_503(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*_: object) -> None:
        await asyncio.sleep(5)

    monkeypatch.setattr(client.app.state.service.batching, "predict", slow)  # type: ignore[attr-defined]
    error = (
        "The request exceeded its parameter 'timeout' of 0.001 seconds; try again later, or give it more microseconds."
    )
    expect_error(infer(client, "sum", body(parameters={"timeout": 1000})), 503, error)


def test_a_timeout_that_is_not_exceeded_changes_nothing(client: TestClient) -> None:
    assert output_of(infer(client, "sum", body(parameters={"timeout": 5_000_000}))).tolist() == [[7.0], [750.0]]


def test_a_crash_is_the_protocols_error_and_leaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("app.routes.v2.inference.encode", broken)
    write_sum(tmp_path)
    with running(tmp_path, raise_server_exceptions=False) as client:
        assert "secret" not in expect_error(infer(client, "sum", body()), 500)
