import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_sum

CRASHED = "Something failed in the service; its log has the details under this request_id."


@pytest.fixture
def crashing(tmp_path: Path) -> Iterator[TestClient]:
    """A service with a route that raises an unexpected error, and a model that does."""
    write_sum(tmp_path)
    with running(tmp_path, raise_server_exceptions=False) as client:

        async def crash() -> None:
            raise RuntimeError("a secret of the inside")

        client.app.add_api_route("/crash", crash)  # type: ignore[attr-defined]
        yield client


def test_an_unknown_path_is_not_found_and_the_docs_are_pointed_to(client: TestClient) -> None:
    expect_problem(client.get("/nothing"), 404, "There is nothing at /nothing; GET /docs lists the paths.")


def test_a_long_path_is_not_echoed_whole(client: TestClient) -> None:
    message = f"There is nothing at /{'x' * 99}; GET /docs lists the paths."
    expect_problem(client.get("/" + "x" * 50_000), 404, message)


def test_a_method_that_a_path_does_not_take_is_refused_and_the_others_named(client: TestClient) -> None:
    response = client.get("/predict/arithmetic")
    expect_problem(response, 405, "/predict/arithmetic does not take GET; GET /docs lists the methods it takes.")
    assert response.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["/health/live", "/docs/favicon.png", "/openapi.json", "/metrics"])
def test_a_get_route_refuses_deletion(client: TestClient, path: str) -> None:
    expect_problem(client.delete(path), 405, f"{path} does not take DELETE; GET /docs lists the methods it takes.")


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/models/nobody"])
def test_an_id_that_the_client_chose_is_kept(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"X-Request-ID": "trace-1.a_B"}).headers["x-request-id"] == "trace-1.a_B"


@pytest.mark.parametrize("given", ["", "two words", "a" * 65, "new\tline", "<script>", "id\u00e9"])
def test_an_id_that_could_do_harm_in_a_log_is_replaced(client: TestClient, given: str) -> None:
    headers = {"X-Request-ID": given.encode("latin-1")}
    answered = client.get("/health/live", headers=headers).headers["x-request-id"]
    assert answered != given
    assert len(answered) == 16
    assert int(answered, 16) >= 0


def test_ids_are_different_for_every_request(client: TestClient) -> None:
    assert len({client.get("/health/live").headers["x-request-id"] for _ in range(20)}) == 20


def test_an_unforeseen_error_is_logged_under_the_id_that_the_answer_gives_and_tells_nothing_else(
    crashing: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = crashing.get("/crash", headers={"X-Request-ID": "mine"})
    assert response.status_code == 500
    assert response.json()["request_id"] == "mine"
    assert response.json()["detail"] == CRASHED
    assert "secret" not in response.text
    assert "Request mine to /crash failed." in caplog.messages
    assert "a secret of the inside" in caplog.text


def test_an_unforeseen_error_is_rendered_and_headed_as_every_other_error(crashing: TestClient) -> None:
    expect_problem(crashing.get("/crash"), 500, CRASHED)


def test_an_unforeseen_error_closes_its_connection_while_draining(crashing: TestClient) -> None:
    crashing.app.state.service.draining = True  # type: ignore[attr-defined]
    assert crashing.get("/crash").headers["connection"] == "close"


def test_an_unforeseen_error_is_counted_and_the_next_request_is_answered(
    crashing: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    crashing.get("/crash")
    assert 'nalu_requests_total{route="/crash",status="500"} 1.0' in crashing.get("/metrics").text
    answer = crashing.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]})
    assert answer.json()["predictions"] == [[3.0]]
