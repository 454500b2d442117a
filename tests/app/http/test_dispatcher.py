"""The front of the service: ids, keys, routes, refusals and what is counted of them."""

import asyncio
import json
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.auth.access import MISSING_KEY, UNKNOWN_KEY
from app.main import create_app
from app.settings import Settings
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, wait_until, write_image, write_sum
from tests.app.images import upload

BODY = {"model": "sum", "inputs": [[1, 2]]}
URL = "/predict/arithmetic"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
CRASHED = "Something failed in the service; its log has the details under this request_id."


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[TestClient]:
    write_sum(tmp_path)
    write_image(tmp_path, "brightness", "brightness")
    with running(tmp_path, raise_server_exceptions=False, max_body_bytes=1000, max_rows=3) as client:
        yield client


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    file = tmp_path / "keys"
    file.write_text(f"somebody {sha256(b'secret').hexdigest()}\n")
    return file


def counted(client: TestClient, name: str) -> dict[tuple[str, ...], float]:
    """The values of a counter, by its labels' values in the order of the labels' names."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in samples}


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/v2", "/v2/models/nobody"])
def test_the_trace_that_a_request_belongs_to_is_its_id_unless_it_brings_one(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"traceparent": PARENT}).headers["x-request-id"] == TRACE
    both = client.get(path, headers={"traceparent": PARENT, "X-Request-ID": "mine"})
    assert both.headers["x-request-id"] == "mine"


@pytest.mark.parametrize(
    "parent", ["", "00", PARENT[:-1], PARENT.replace("4bf9", "xyz9"), f"00-{'0' * 32}-00f067aa0ba902b7-01"]
)
def test_a_trace_that_is_none_is_no_id(client: TestClient, parent: str) -> None:
    answered = client.get("/health/live", headers={"traceparent": parent}).headers["x-request-id"]
    assert len(answered) == 16
    assert int(answered, 16) >= 0


@pytest.mark.parametrize("path", [URL, "/predict/image", "/models", "/models/sum", "/v2", "/v2/models", "/nothing"])
def test_a_request_without_a_key_gets_401_whether_or_not_its_path_exists(tmp_path: Path, keys: Path, path: str) -> None:
    write_sum(tmp_path)
    with running(tmp_path, api_keys_file=keys) as client:
        for headers, reported in (
            ({}, MISSING_KEY),
            ({"X-API-Key": "wrong"}, UNKNOWN_KEY),
            ({"Authorization": "Basic eDp5"}, UNKNOWN_KEY),
        ):
            response = client.post(path, headers=headers)
            assert response.headers["www-authenticate"] == "Bearer"
            if path.startswith("/v2"):
                assert (response.status_code, response.json()) == (401, {"error": reported})
            else:
                expect_problem(response, 401, reported)
        with_key = client.post(path, headers={"X-API-Key": "secret"})
        assert with_key.status_code != 401
        assert counted(client, "nalu_rejections_total")[("unauthorized",)] == 3
    assert MISSING_KEY == (
        "The request carries no API key; send one as 'Authorization: Bearer KEY' or as 'X-API-Key: KEY'."
    )
    assert UNKNOWN_KEY == "The API key of the request is unknown; ask the service's operator for one."


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/v2/health/live", "/metrics"]
)
def test_probes_and_documentation_need_no_key(tmp_path: Path, keys: Path, path: str) -> None:
    write_sum(tmp_path)
    with running(tmp_path, api_keys_file=keys) as client:
        assert client.get(path, follow_redirects=False).status_code < 400


def test_metrics_ask_for_a_key_where_the_settings_say_so(tmp_path: Path, keys: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path, api_keys_file=keys, metrics_require_key=True) as client:
        expect_problem(client.get("/metrics"), 401, MISSING_KEY)
        assert "nalu_models" in client.get("/metrics", headers={"Authorization": "bearer secret"}).text


def test_refusals_are_counted_by_their_reason(fresh: TestClient) -> None:
    fresh.post(URL, content=b"{")
    fresh.post(URL, json=BODY | {"model": "nobody"})
    fresh.get("/models/nobody")
    fresh.get("/v2/models/nobody")
    fresh.post(URL, content=b" " * 1001)
    fresh.post(URL, json=BODY | {"inputs": [[1, 2]] * 4})
    upload(fresh, "brightness", b"no image")
    fresh.get("/models/sum", params={"version": 0})
    fresh.post("/v2/repository/models/sum/unload")
    # alias: the reason keeps its value of version 0.1, as dashboards select it
    expected = {("invalid",): 2, ("model_not_found",): 3, ("too_large",): 2, ("not_a_picture",): 1, ("forbidden",): 1}
    assert counted(fresh, "nalu_rejections_total") == expected


@pytest.mark.parametrize(
    ("method", "path", "status", "reported"),
    [
        ("GET", "/v2/nothing", 404, "There is nothing at /v2/nothing; GET /docs lists the paths."),
        ("POST", "/v2", 405, "/v2 does not take POST; GET /docs lists the methods it takes."),
        ("DELETE", "/v2/models/sum", 405, "/v2/models/sum does not take DELETE; GET /docs lists the methods it takes."),
        ("GET", "/v2/models/nobody", 404, "There is no model 'nobody'; GET /models lists all models."),
    ],
)
def test_errors_under_v2_have_the_form_of_the_open_inference_protocol(
    client: TestClient, method: str, path: str, status: int, reported: str
) -> None:
    response = client.request(method, path)
    assert (response.status_code, response.json()) == (status, {"error": reported})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"]


def fail(*_: Any) -> Any:
    raise RuntimeError("a secret of the inside")


def test_a_model_that_fails_is_answered_with_500_in_the_form_of_each_protocol(
    fresh: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    fresh.app.state.service.repository.get("sum").predict = fail  # type: ignore[attr-defined]
    expect_problem(fresh.post(URL, json=BODY, headers={"X-Request-ID": "one"}), 500, CRASHED)
    tensor = {"name": "input", "datatype": "FP64", "shape": [1, 2], "data": [1, 2]}
    response = fresh.post("/v2/models/sum/infer", json={"inputs": [tensor]}, headers={"X-Request-ID": "two"})
    assert (response.status_code, response.json()) == (500, {"error": CRASHED})
    assert f"Request one to {URL} failed." in caplog.messages
    assert "Request two to /v2/models/sum/infer failed." in caplog.messages
    assert counted(fresh, "nalu_requests_total")[(URL, "500")] == 1
    assert counted(fresh, "nalu_queued_rows") == {(): 0}


def scope_of(path: str) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b"", "http_version": "1.1"}


@pytest.mark.parametrize("path", [URL, "/predict/image", "/v2/models/sum/infer"])
def test_a_client_that_goes_before_its_body_is_whole_is_counted_as_499_and_not_answered(
    fresh: TestClient, path: str
) -> None:
    sent: list[Any] = []
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(fresh.app(scope_of(path), receive, send))  # type: ignore[arg-type]
    assert sent == []
    route = path.replace("/sum/", "/{model}/")
    assert counted(fresh, "nalu_requests_total")[(route, "499")] == 1
    assert fresh.app.state.service.requests_in_flight == {}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_two_hundred_requests_at_a_time_of_different_sizes_are_answered_as_each_alone(tmp_path: Path) -> None:
    write_sum(tmp_path)
    answers: dict[int, Any] = {}

    async def ask(app: Any, number: int) -> None:
        rows = [[number + row / 7, row] for row in range(1 + number * 37 % 400)]
        body = json.dumps({"model": "sum", "inputs": rows}).encode()
        messages = iter([{"type": "http.request", "body": body, "more_body": False}])
        parts: list[bytes] = []

        async def receive() -> Any:
            return next(messages, None) or await asyncio.Event().wait()

        async def send(message: Any) -> None:
            parts.append(message.get("body", b""))

        await app(scope_of(URL), receive, send)
        answers[number] = (rows, json.loads(b"".join(parts)))

    async def scenario() -> None:
        app = create_app(Settings(repository=tmp_path, repository_poll_seconds=0, threads=1, max_queued_rows=10**6))
        async with app.router.lifespan_context(app):
            await asyncio.to_thread(wait_until, lambda: app.state.service.ready)
            await asyncio.gather(*(ask(app, number) for number in range(200)))
            assert app.state.service.batching.queue_limiter.rows == 0

    asyncio.run(scenario())
    assert len(answers) == 200
    for rows, answer in answers.values():
        expected = [a + b for a, b in rows]
        assert [value for (value,) in answer["predictions"]] == pytest.approx(expected, rel=0, abs=1e-12)


def test_health_is_answered_while_a_batch_is_computed(fresh: TestClient) -> None:
    entered, release = threading.Event(), threading.Event()
    model = fresh.app.state.service.repository.get("sum")  # type: ignore[attr-defined]
    predict = model.predict

    def held(inputs: Any) -> Any:
        entered.set()
        assert release.wait(10)
        return predict(inputs)

    model.predict = held
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(fresh.post(URL, json=BODY)))
    thread.start()
    try:
        assert entered.wait(5)
        assert fresh.get("/health/live").status_code == 200
        assert counted(fresh, "nalu_queued_rows") == {(): 1}
    finally:
        release.set()
        thread.join()
    assert answers[0].json()["predictions"] == [[3.0]]
    wait_until(lambda: counted(fresh, "nalu_queued_rows") == {(): 0})
