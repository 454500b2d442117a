import json
from pathlib import Path

import pytest

from app.main import create_app
from app.settings import Settings
from tests.app.expect import expect_problem
from tests.app.factory import TestClient, running, write_sum
from tests.app.images import grey, upload

LOADING = "The models are still being loaded; GET /health/ready reports their state."


def test_models_lists_every_model_once_in_its_latest_version_by_name(client: TestClient) -> None:
    models = client.get("/models").json()["models"]
    names = [(model["name"], model["version"]) for model in models]
    once = ("add", "brightness", "colour", "free", "ratio", "shade", "strict")
    assert names == [(name, 1) for name in once] + [("sum", 2)]


def test_a_model_is_described_by_the_manifest_of_its_folder(tmp_path: Path) -> None:
    for version in (1, 2):
        write_sum(tmp_path, version=version, summary=f"version {version}", metrics={"extrapolation": {"mse": 0.5}})
    written = [json.loads((tmp_path / "sum" / str(version) / "manifest.json").read_text()) for version in (1, 2)]
    with running(tmp_path) as client:
        assert client.get("/models/sum").json() == written[1]
        assert client.get("/models/sum?version=1").json() == written[0]
        assert client.get("/models/sum?version=2").json() == written[1]
        assert client.get("/models").json() == {"models": [written[1]]}


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/models/nobody", "There is no model 'nobody'; GET /models lists all models."),
        ("/models/sum?version=7", "Model 'sum' has no version 7; it has 1, 2."),
        ("/models/..%2Fsum", None),
        ("/models/" + "x" * 5000, f"There is no model '{'x' * 64}'; GET /models lists all models."),
    ],
    ids=["name", "version", "dots", "long-name"],
)
def test_an_unknown_model_or_version_is_not_found(client: TestClient, path: str, detail: str | None) -> None:
    expect_problem(client.get(path), 404, detail)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("0", "Input should be greater than or equal to 1"),
        ("-1", "Input should be greater than or equal to 1"),
        ("1000000001", "Input should be less than or equal to 1000000000"),
        ("9" * 4000, "Input should be less than or equal to 1000000000"),
        ("one", "Input should be a valid integer, unable to parse string as an integer"),
    ],
)
def test_an_invalid_version_number_is_rejected(client: TestClient, version: str, message: str) -> None:
    message += f', not "{version}"' if len(version) < 40 else ""
    problem = expect_problem(client.get(f"/models/sum?version={version}"), 422, f"query.version: {message}.")
    assert problem["errors"] == [{"location": "query.version", "message": message}]


def test_requests_during_the_initial_scan_get_503(tmp_path: Path) -> None:
    write_sum(tmp_path)
    client = TestClient(create_app(Settings(repository=tmp_path, threads=1)))  # not entered: nothing is loaded
    answers = [
        client.get("/models/sum"),
        client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[1, 2]]}),
        upload(client, "brightness", grey(7)),
    ]
    for answer in answers:
        expect_problem(answer, 503, LOADING)
        assert answer.headers["retry-after"] == "1"


def test_the_list_of_models_is_not_given_before_it_is_complete(tmp_path: Path) -> None:
    client = TestClient(create_app(Settings(repository=tmp_path, threads=1)))
    expect_problem(client.get("/models"), 503, LOADING)


def test_an_invalid_request_is_rejected_even_while_models_are_loaded(tmp_path: Path) -> None:
    client = TestClient(create_app(Settings(repository=tmp_path, threads=1)))
    expect_problem(client.post("/predict/arithmetic", content=b"{"), 422)


def test_the_versions_of_a_model_are_listed_in_ascending_order_with_the_reason_of_a_damaged_one(tmp_path: Path) -> None:
    for version in (10, 2, 1):
        write_sum(tmp_path, version=version)
    (tmp_path / "sum" / "2" / "model.onnx").unlink()
    write_sum(tmp_path, "another")
    with running(tmp_path) as client:
        answer = client.get("/models/sum/versions")
    reason = f"{tmp_path}/sum/2/model.onnx cannot be read: No such file or directory."
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "sum",
        "versions": [
            {"version": 1, "state": "ready", "reason": None},
            {"version": 2, "state": "damaged", "reason": reason},
            {"version": 10, "state": "ready", "reason": None},
        ],
    }


def test_the_versions_of_an_unknown_model_are_not_found(client: TestClient) -> None:
    expect_problem(
        client.get("/models/nobody/versions"), 404, "There is no model 'nobody'; GET /models lists all models."
    )


def test_the_versions_of_an_unloaded_model_are_not_found_with_how_to_load_it(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path) as client:
        client.app.state.service.repository.unload("sum")  # type: ignore[attr-defined]
        answers = [client.get(path) for path in ("/models/sum", "/models/sum/versions")]
        assert client.get("/models").json() == {"models": []}
    for answer in answers:
        expect_problem(answer, 404, "Model 'sum' is unloaded; POST /v2/repository/models/sum/load loads it.")


def test_versions_are_not_listed_before_the_list_is_complete(tmp_path: Path) -> None:
    write_sum(tmp_path)
    client = TestClient(create_app(Settings(repository=tmp_path, threads=1)))  # not entered: nothing is loaded
    expect_problem(client.get("/models/sum/versions"), 503, LOADING)
