from collections.abc import Iterator
from pathlib import Path

import pytest

from app.main import create_app
from app.settings import Settings
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_sum


@pytest.fixture
def draining(tmp_path: Path) -> Iterator[TestClient]:
    write_sum(tmp_path)
    with running(tmp_path) as client:
        client.app.state.service.draining = True  # type: ignore[attr-defined]
        yield client


def test_live_while_the_process_runs(client: TestClient) -> None:
    response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"live": True})


def test_ready_lists_every_version_with_its_state(tmp_path: Path) -> None:
    for version in (1, 2):
        folder = write_sum(tmp_path, version=version)
    write_sum(tmp_path, name="another")
    (folder / "model.onnx").unlink()
    with running(tmp_path) as client:
        response = client.get("/health/ready")
    reason = f"{folder}/model.onnx cannot be read: No such file or directory."
    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "models": [
            {"name": "another", "version": 1, "state": "ready", "reason": None},
            {"name": "sum", "version": 1, "state": "ready", "reason": None},
            {"name": "sum", "version": 2, "state": "damaged", "reason": reason},
        ],
    }


def test_not_ready_until_the_initial_scan_is_done(tmp_path: Path) -> None:
    write_sum(tmp_path)
    client = TestClient(create_app(Settings(repository=tmp_path, threads=1)))  # not entered: nothing is loaded
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (503, {"ready": False, "models": []})
    assert client.get("/health/live").status_code == 200


def test_not_ready_while_draining(draining: TestClient) -> None:
    response = draining.get("/health/ready")
    assert response.status_code == 503
    assert response.json()["ready"] is False
    assert draining.get("/health/live").status_code == 200


def test_while_draining_requests_are_served_and_connections_closed(draining: TestClient) -> None:
    answered = draining.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]})
    assert answered.json()["predictions"] == [[3.0]]
    refused = draining.get("/models/nobody")
    expect_problem(refused, 404)
    for response in (answered, refused, draining.get("/health/live"), draining.get("/nothing")):
        assert response.headers["connection"] == "close"


def test_connections_are_kept_while_not_draining(client: TestClient) -> None:
    assert "connection" not in client.get("/health/live").headers
