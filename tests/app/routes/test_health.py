import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.main import create_app
from app.settings import Settings
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, wait_until, write_sum


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


def test_while_the_folder_is_away_the_service_is_ready_and_says_that_it_is_degraded_and_since_when(
    tmp_path: Path,
) -> None:
    root, start = tmp_path / "models", datetime.now(UTC).replace(microsecond=0)
    write_sum(root)
    with running(root, repository_poll_seconds=0.01) as client:
        whole = client.get("/health/ready").json()
        root.rename(tmp_path / "away")
        wait_until(lambda: "status" in client.get("/health/ready").json())
        response = client.get("/health/ready")
        content = response.json()
        assert response.status_code == 200
        assert start <= datetime.fromisoformat(content.pop("since")) <= datetime.now(UTC)
        reason = f"{root} cannot be read: No such file or directory."
        assert content == {**whole, "status": "degraded", "reason": reason}
        assert client.get("/v2/health/ready").json() == {"ready": True}
        predicted = client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]})
        assert predicted.json()["predictions"] == [[3.0]]
        assert "nalu_repository_available 0.0" in client.get("/metrics").text
        (tmp_path / "away").rename(root)
        wait_until(lambda: client.get("/health/ready").json() == whole)
        assert "nalu_repository_available 1.0" in client.get("/metrics").text


def damaged(root: Path) -> None:
    (write_sum(root) / "model.onnx").unlink()


@pytest.mark.parametrize("make", [lambda _: None, damaged], ids=["empty", "damaged"])
def test_a_service_without_a_model_to_serve_is_not_ready(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path)
    with running(tmp_path) as client:
        response = client.get("/health/ready")
        content = response.json()
        assert response.status_code == 503
        assert (content["ready"], content["status"]) == (False, "empty")
        assert content["reason"] == (
            f"{tmp_path} has no model that can be served; add one, or set NALU_READY_WITHOUT_MODELS=true."
        )
        assert client.get("/v2/health/ready").status_code == 503
        assert client.get("/models").json() == {"models": []}


@pytest.mark.parametrize("settings", [{"ready_without_models": True}, {"model_control": "explicit"}], ids=str)
def test_a_service_that_may_be_without_models_is_ready(tmp_path: Path, settings: dict[str, Any]) -> None:
    with running(tmp_path, **settings) as client:
        response = client.get("/health/ready")
        assert (response.status_code, response.json()) == (200, {"ready": True, "models": []})
        assert client.get("/v2/health/ready").status_code == 200


def test_readiness_ends_with_the_last_model_and_returns_with_the_next(tmp_path: Path) -> None:
    folder = write_sum(tmp_path)
    with running(tmp_path, repository_poll_seconds=0.01) as client:
        assert client.get("/health/ready").status_code == 200
        shutil.rmtree(folder)
        wait_until(lambda: client.get("/health/ready").status_code == 503)
        write_sum(tmp_path, "other")
        wait_until(lambda: client.get("/health/ready").status_code == 200)


def test_the_schema_of_readiness_has_no_defaults_for_what_is_left_out(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()["components"]["schemas"]["Ready"]
    assert schema["required"] == ["ready", "models"]
    optional = {name: schema["properties"][name] for name in ("status", "since", "reason")}
    assert not [name for name, field in optional.items() if "default" in field]
    assert optional["status"]["enum"] == ["degraded", "unavailable", "empty"]
    assert optional["since"]["format"] == "date-time"


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
