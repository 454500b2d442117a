from pathlib import Path
from typing import Any

import pytest

from app.repository.repository import Repository
from tests.app.factory import TestClient, running, wait_until, write_sum
from tests.app.v2_requests import body, expect_error, infer

SUM = {
    "name": "sum",
    "versions": ["1", "2"],
    "platform": "onnxruntime_onnx",
    "inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 2]}],
    "outputs": [{"name": "output", "datatype": "FP64", "shape": [-1, 1]}],
}


def found(client: TestClient, path: str) -> Any:
    response = client.get(path)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def test_server_metadata_lists_the_extensions(client: TestClient) -> None:
    server = found(client, "/v2")
    assert server["name"] == "nalu-serve"
    assert server["version"]
    assert server["extensions"] == [
        "binary_tensor_data",
        "classification",
        "model_configuration",
        "model_repository",
        "statistics",
    ]


def test_liveness_and_readiness_are_in_kserves_form(client: TestClient) -> None:
    assert found(client, "/v2/health/live") == {"live": True}
    assert found(client, "/v2/health/ready") == {"ready": True}


def test_models_are_listed_in_kserves_form(client: TestClient) -> None:
    names = found(client, "/v2/models")["models"]
    assert names == ["add", "brightness", "colour", "free", "ratio", "shade", "strict", "sum"]


def test_model_metadata_lists_versions_inputs_and_outputs(client: TestClient) -> None:
    assert found(client, "/v2/models/sum") == SUM
    assert found(client, "/v2/models/sum/versions/1") == SUM
    assert found(client, "/v2/models/colour")["inputs"] == [
        {"name": "input", "datatype": "UINT8", "shape": [-1, 3, -1, -1]}
    ]


def test_a_model_that_is_served_is_ready(client: TestClient) -> None:
    assert found(client, "/v2/models/sum/ready") == {"ready": True, "name": "sum"}
    assert found(client, "/v2/models/sum/versions/1/ready") == {"ready": True, "name": "sum"}


@pytest.mark.parametrize("suffix", ["", "/ready", "/config", "/stats"])
def test_an_unknown_model_or_version_is_the_protocols_error(client: TestClient, suffix: str) -> None:
    error = "There is no model 'nothing'; GET /models lists all models."
    expect_error(client.get(f"/v2/models/nothing{suffix}"), 404, error)
    expect_error(client.get(f"/v2/models/sum/versions/7{suffix}"), 404, "Model 'sum' has no version 7; it has 1, 2.")
    expect_error(client.get(f"/v2/models/sum/versions/x{suffix}"), 400)


def test_the_configuration_leaves_out_the_batch_axis_as_triton_does(client: TestClient) -> None:
    config = found(client, "/v2/models/sum/versions/2/config")
    assert config == {
        "name": "sum",
        "platform": "onnxruntime_onnx",
        "backend": "onnxruntime",
        "version_policy": {"all": {}},
        "max_batch_size": 100_000,
        "input": [{"name": "input", "data_type": "TYPE_FP64", "dims": [2]}],
        "output": [{"name": "output", "data_type": "TYPE_FP64", "dims": [1]}],
        "default_model_filename": "model.onnx",
        "parameters": {
            "summary": {"string_value": "for tests"},
            "unit": {"string_value": "NAC"},
            "formula": {"string_value": "a + b"},
        },
    }
    assert "formula" not in found(client, "/v2/models/sum/versions/1/config")["parameters"]
    assert found(client, "/v2/models/strict/config")["max_batch_size"] == 64


def test_statistics_count_rows_batches_and_time(tmp_path: Path) -> None:
    write_sum(tmp_path, "first")
    write_sum(tmp_path, "second")
    with running(tmp_path) as client:
        for _ in range(3):
            infer(client, "first", body())
        client.post("/predict/arithmetic", json={"model": "first", "inputs": [[1, 2]]})
        stats = found(client, "/v2/models/first/versions/1/stats")
        everything = found(client, "/v2/models/stats")
    (first,) = stats["model_stats"]
    assert (first["name"], first["version"]) == ("first", "1")
    assert (first["inference_count"], first["execution_count"]) == (7, 4)
    times = first["inference_stats"]
    assert list(times) == ["success", "queue", "compute_infer"]
    assert [times[part]["count"] for part in times] == [4, 4, 4]
    assert 0 < times["compute_infer"]["ns"] < 5e9
    assert times["success"]["ns"] == times["queue"]["ns"] + times["compute_infer"]["ns"]
    assert [model["name"] for model in everything["model_stats"]] == ["first", "second"]
    assert everything["model_stats"][1]["inference_count"] == 0


def test_statistics_are_of_every_version_unless_one_is_named(client: TestClient) -> None:
    assert [stat["version"] for stat in found(client, "/v2/models/sum/stats")["model_stats"]] == ["1", "2"]


def test_nothing_is_ready_before_the_initial_scan(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path) as client:
        wait_until(lambda: client.get("/v2/health/ready").status_code == 200)
        service = client.app.state.service  # type: ignore[attr-defined]
        service.repository = Repository(tmp_path, service.repository.backend)
        response = client.get("/v2/health/ready")
        assert (response.status_code, response.json()) == (503, {"ready": False})
        assert client.get("/v2/health/live").status_code == 200
        expect_error(client.get("/v2/models"), 503)
        expect_error(client.get("/v2/models/other/ready"), 503)


def test_while_draining_the_service_is_not_ready_and_still_serves(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path) as client:
        client.app.state.service.draining = True  # type: ignore[attr-defined]
        assert client.get("/v2/health/ready").status_code == 503
        response = infer(client, "sum", body())
        assert (response.status_code, response.headers["connection"]) == (200, "close")


def test_every_endpoint_is_documented_with_its_parameters_and_an_example(client: TestClient) -> None:
    paths = {path: methods for path, methods in found(client, "/openapi.json")["paths"].items() if path[:3] == "/v2"}
    models = {
        f"/v2/models/{{model}}{version}{suffix}"
        for version in ("", "/versions/{version}")
        for suffix in ("", "/ready", "/config", "/stats", "/infer")
    }
    others = {"/v2", "/v2/health/live", "/v2/health/ready", "/v2/models", "/v2/models/stats", "/v2/repository/index"}
    control = {f"/v2/repository/models/{{model}}/{action}" for action in ("load", "unload")}
    assert paths.keys() == models | others | control
    for path, methods in paths.items():
        for operation in methods.values():
            named = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "path"}
            assert named == {part.strip("{}") for part in path.split("/") if part.startswith("{")}, path
            assert operation["summary"]
            assert operation["description"]
            assert "422" not in operation["responses"]


def test_the_documented_example_works(client: TestClient) -> None:
    operation = found(client, "/openapi.json")["paths"]["/v2/models/{model}/infer"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["schema"]["examples"][0]
    schema = found(client, "/openapi.json")["components"]["schemas"]["InferResponse"]["examples"][0]
    assert client.post("/v2/models/add/infer", json=example).json() == schema
