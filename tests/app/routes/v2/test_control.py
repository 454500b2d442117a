import json
from pathlib import Path
from typing import Any

import pytest

from tests.app.factory import TestClient, running, write_sum
from tests.app.v2_requests import body, expect_error, infer

OFF = (
    "NALU_MODEL_CONTROL is none, so clients may not load or unload models; "
    "start the service with NALU_MODEL_CONTROL=explicit to allow it."
)


def index(client: TestClient, **request: Any) -> list[dict[str, str]]:
    response = client.post("/v2/repository/index", content=json.dumps(request) if request else b"")
    assert response.status_code == 200, response.text
    found: list[dict[str, str]] = response.json()
    return found


def control(client: TestClient, action: str, name: str = "sum", content: bytes = b"") -> Any:
    return client.post(f"/v2/repository/models/{name}/{action}", content=content)


def test_the_index_lists_every_version_with_state_and_reason(tmp_path: Path) -> None:
    write_sum(tmp_path, version=1)
    folder = write_sum(tmp_path, version=2)
    (folder / "model.onnx").write_bytes(b"damaged")
    with running(tmp_path) as client:
        first, second = index(client)
        assert index(client, ready=True) == [first]
        assert index(client, ready=False) == [first, second]
    assert first == {"name": "sum", "version": "1", "state": "READY", "reason": ""}
    assert (second["name"], second["version"], second["state"]) == ("sum", "2", "UNAVAILABLE")
    assert "SHA-256" in second["reason"]


@pytest.mark.parametrize("content", [b"[]", b"{", b'{"ready": 1}', b'{"ready": "yes"}', b"[" * 100_000])
def test_an_invalid_index_request_is_rejected(client: TestClient, content: bytes) -> None:
    expect_error(client.post("/v2/repository/index", content=content), 400)


def test_loading_and_unloading_are_rejected_unless_the_settings_allow_them(client: TestClient) -> None:
    for action in ("load", "unload"):
        expect_error(control(client, action), 403, OFF)
        expect_error(control(client, action, "nothing"), 403, OFF)
    assert infer(client, "sum", body()).status_code == 200


def test_a_model_is_unloaded_and_loaded(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path, model_control="explicit") as client:
        assert control(client, "unload", content=b'{"parameters": {"unload_dependents": false}}').status_code == 200
        assert index(client)[0]["state"] == "UNAVAILABLE"
        assert index(client, ready=True) == []
        expect_error(infer(client, "sum", body()), 404)
        expect_error(client.get("/v2/models/sum/ready"), 404)
        assert control(client, "load").status_code == 200
        assert index(client)[0]["state"] == "READY"
        assert infer(client, "sum", body()).status_code == 200


def test_a_new_model_is_loaded(tmp_path: Path) -> None:
    with running(tmp_path, model_control="explicit") as client:
        write_sum(tmp_path)
        assert control(client, "load", content=b"{}").status_code == 200
        assert infer(client, "sum", body()).status_code == 200


def test_a_failed_load_reports_the_reason(tmp_path: Path) -> None:
    folder = write_sum(tmp_path)
    (folder / "model.onnx").write_bytes(b"damaged")
    with running(tmp_path, model_control="explicit") as client:
        expect_error(control(client, "load", "nothing"), 404)
        expect_error(control(client, "unload", "nothing"), 404)
        assert "SHA-256" in expect_error(control(client, "load"), 400)


@pytest.mark.parametrize("parameter", ["config", "file:1/model.onnx"])
def test_a_model_in_the_request_is_rejected(tmp_path: Path, parameter: str) -> None:
    write_sum(tmp_path)
    with running(tmp_path, model_control="explicit") as client:
        content = json.dumps({"parameters": {parameter: "{}"}}).encode()
        error = f"Parameter '{parameter}' carries a model; models come from the repository only, so leave it out."
        expect_error(control(client, "load", content=content), 400, error)


@pytest.mark.parametrize("content", [b"[]", b'{"parameters": 1}', b"\xff"])
def test_a_body_outside_the_protocol_is_rejected(tmp_path: Path, content: bytes) -> None:
    write_sum(tmp_path)
    with running(tmp_path, model_control="explicit") as client:
        for action in ("load", "unload"):
            expect_error(control(client, action, content=content), 400)
        assert infer(client, "sum", body()).status_code == 200
