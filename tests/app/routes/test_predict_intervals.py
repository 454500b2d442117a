from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.codecs.intervals import NO_INTERVAL
from app.codecs.tabular import NOT_FINITE
from tests.app.expect import expect_damaged, expect_problem
from tests.app.factory import TestClient, running, spread_onnx, sum_onnx, write_image, write_sum, write_uncertain
from tests.app.raw_http import RawConnection, listening, post

URL = "/predict/arithmetic"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    root = tmp_path_factory.mktemp("repository")
    write_uncertain(root)
    write_sum(root)
    write_sum(root, "law", unit="Law")
    write_sum(root, "guess", unit="Approximation", formula=None)
    write_image(root, "brightness", "brightness")
    with running(root) as client:
        yield client


def ask(client: TestClient, inputs: list[list[float]], **more: Any) -> dict[str, Any]:
    response = client.post(URL, json={"model": "uncertain", "inputs": inputs} | more)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_an_interval_spans_noise_and_standard_error_around_the_law_as_fitted(client: TestClient) -> None:
    # by spread_onnx the law as fitted is the sum + 1, the noise |a| and the standard error |1 / b|
    rows = np.random.default_rng(0).uniform(1, 5, (20, 2))  # more than plain Python handles
    for level, noise, constants in ((0.9, 1.5, 2.0), (0.95, 2.0, 3.0)):
        answer = ask(client, rows.tolist(), intervals=True, level=level)
        half = np.sqrt((noise * rows[:, 0]) ** 2 + (constants / rows[:, 1]) ** 2)
        centre = rows.sum(1) + 1
        np.testing.assert_allclose(answer["intervals"], np.stack([centre - half, centre + half], 1), atol=1e-13)
        np.testing.assert_allclose(answer["predictions"], rows.sum(1, keepdims=True), rtol=1e-15)
    assert ask(client, [[1, 1]], intervals=True) == ask(client, [[1, 1]], intervals=True, level=0.95)


def test_an_interval_holds_the_prediction_where_noise_is_small(client: TestClient) -> None:
    (low, high), prediction = ask(client, [[0, 10]], intervals=True)["intervals"][0], 10
    assert (low, high) == (prediction, 11.3)


def test_the_answer_has_the_fields_of_the_contract_and_intervals_last(client: TestClient) -> None:
    answer = ask(client, [[3, 4]], intervals=True)
    assert list(answer) == ["model", "version", "predictions", "formula", "extrapolated", "warnings", "intervals"]


def test_without_intervals_not_a_byte_of_the_answer_differs(client: TestClient) -> None:
    plain = client.post(URL, json={"model": "uncertain", "inputs": [[3, 4], [1, 0]]})
    asked = client.post(URL, json={"model": "uncertain", "inputs": [[3, 4], [1, 0]], "intervals": False})
    assert plain.content == asked.content
    assert plain.content == (
        b'{"model":"uncertain","version":1,"predictions":[[7.0],[1.0]],"formula":"a + b","extrapolated":[true,false],'
        b'"warnings":[]}'
    )


@pytest.mark.parametrize("rows", [3, 20])
def test_an_interval_that_is_not_finite_is_null_and_named_once(client: TestClient, rows: int) -> None:
    answer = ask(client, [[1, 2]] * (rows - 2) + [[1, 0], [1e308, 1e308]], intervals=True)
    assert [interval is None for interval in answer["intervals"]] == [False] * (rows - 2) + [True, True]
    assert answer["predictions"][-2:] == [[1.0], None]
    assert answer["warnings"] == [
        {"row": rows - 1, "message": NOT_FINITE},
        {"row": rows - 2, "message": NO_INTERVAL},
    ]
    assert NO_INTERVAL == "The interval is not finite: with constants one standard error off, the law is not."


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("sum", "as it is no law that was found in a table, but a trained NAC"),
        ("law", "as its law was exported without them: fit its table again"),
        ("guess", "as no law was found in its table"),
    ],
)
def test_a_model_without_intervals_says_why(client: TestClient, model: str, why: str) -> None:
    response = client.post(URL, json={"model": model, "inputs": [[1, 2]], "intervals": True})
    message = f"Model '{model}' has no intervals, {why}; leave out 'intervals'."
    assert expect_problem(response, 422, message)["errors"] == [{"location": "body.intervals", "message": message}]


def test_a_model_of_images_is_said_to_take_images_first(client: TestClient) -> None:
    response = client.post(URL, json={"model": "brightness", "inputs": [[1, 2]], "intervals": True})
    expect_problem(response, 422, "Model 'brightness' takes images, not numbers; use POST /predict/image.")


def test_a_level_that_the_model_lacks_is_refused_with_those_it_has(client: TestClient) -> None:
    response = client.post(URL, json={"model": "uncertain", "inputs": [[1, 2]], "intervals": True, "level": 0.97})
    message = "Model 'uncertain' has no intervals of level 0.97; choose one of 0.9, 0.95."
    assert expect_problem(response, 422, message)["errors"] == [{"location": "body.level", "message": message}]


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        ({"intervals": 1}, "body.intervals: Input should be a valid boolean, not 1."),
        ({"level": 95}, "body.level: Input should be less than 1, not 95."),
        ({"level": "0.9"}, 'body.level: Input should be a valid number, not "0.9".'),
    ],
)
def test_wrong_types_are_refused(client: TestClient, more: dict[str, Any], detail: str) -> None:
    expect_problem(client.post(URL, json={"model": "sum", "inputs": [[1, 2]]} | more), 422, detail)


def test_the_manifest_states_the_constants_with_their_standard_errors(client: TestClient) -> None:
    stated = client.get("/models/uncertain").json()["uncertainty"]
    assert stated["constants"] == [
        {"value": 1.0, "estimate": 1.01, "standard_error": 0.02, "term": "a", "function": None}
    ]
    assert "uncertainty" not in client.get("/models/sum").json()


def test_both_ways_through_the_server_respond_alike(tmp_path: Path) -> None:
    write_uncertain(tmp_path)
    body = b'{"model": "uncertain", "inputs": [[3, 4], [1, 0]], "intervals": true, "level": 0.9}'
    answers = []
    for protocol in ("fast_path", "uvicorn"):
        with listening(tmp_path, protocol) as live, RawConnection(live.port) as connection:
            answers.append(connection.send(post(body)).answer().body)
    assert answers[0] == answers[1]
    assert b'"intervals":[[' in answers[0]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (sum_onnx(), "returns float64 of shape (2, 1), the manifest declares FP64 of shape (-1, 3)"),
        (b"hello", "intervals.onnx: it is not an ONNX file."),
    ],
    ids=["one-output", "no-onnx"],
)
def test_a_version_whose_file_of_intervals_is_unsound_is_damaged(
    tmp_path: Path, content: bytes, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_uncertain(tmp_path, "m", content)
    expect_damaged(tmp_path, reason, caplog)


def test_a_version_whose_file_of_intervals_was_changed_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_uncertain(tmp_path, "m")
    (folder / "intervals.onnx").write_bytes(spread_onnx() + b" ")
    expect_damaged(tmp_path, "intervals.onnx has SHA-256 ", caplog)
