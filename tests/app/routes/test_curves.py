"""GET /models/{name}/curves: samples of a model, as its version folder holds them."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.expect import expect_damaged, expect_problem
from tests.app.factory import CURVE, CURVES, TestClient, running, write_curves, write_image, write_sum

OLD = json.dumps(CURVES).encode()
NEW = json.dumps(CURVES | {"target": "new"}).encode()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    write_curves(root, "sum", 1)
    write_curves(root, "sum", 2, CURVES | {"target": "new"})
    write_sum(root, "bare")
    write_image(root, "brightness", "brightness")
    keys = {"secret": "", "other": "models=bare"}
    lines = [f"{key} {hashlib.sha256(key.encode()).hexdigest()} {limits}\n" for key, limits in keys.items()]
    (root / "keys").write_text("".join(lines))
    return root


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[TestClient]:
    with running(root) as client:
        yield client


def test_curves_are_those_of_the_version_asked_for(client: TestClient) -> None:
    response = client.get("/models/sum/curves")
    assert (response.status_code, response.content) == (200, NEW)
    assert response.headers["content-type"] == "application/json"
    assert client.get("/models/sum/curves?version=1").content == OLD


def test_a_client_that_has_the_curves_does_not_get_them_again(client: TestClient) -> None:
    tag = client.get("/models/sum/curves").headers["etag"]
    assert tag == f'"{hashlib.sha256(NEW).hexdigest()}"'
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = client.get("/models/sum/curves", headers={"If-None-Match": known})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
    changed = client.get("/models/sum/curves?version=1", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.content) == (200, OLD)


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (
            "/models/bare/curves",
            "Model 'bare' version 1 has no curves.json; `python -m training curves bare --version 1` adds it.",
        ),
        (
            "/models/brightness/curves",
            "Model 'brightness' is of task 'image-regression'; only models of task 'arithmetic' have curves.",
        ),
        ("/models/nobody/curves", "There is no model 'nobody'; GET /models lists all models."),
        ("/models/sum/curves?version=3", "Model 'sum' has no version 3; it has 1, 2."),
    ],
)
def test_what_has_no_curves_is_not_found(client: TestClient, path: str, detail: str) -> None:
    expect_problem(client.get(path), 404, detail)


def test_curves_need_a_key_where_models_do(root: Path) -> None:
    with running(root, api_keys_file=root / "keys") as client:
        expect_problem(client.get("/models/sum/curves"), 401)
        expect_problem(client.get("/models/sum/curves", headers={"X-API-Key": "other"}), 403)
        assert client.get("/models/sum/curves", headers={"X-API-Key": "secret"}).content == NEW


def test_a_version_whose_curves_are_not_those_of_its_manifest_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_curves(tmp_path, "m")
    (folder / "curves.json").write_bytes(NEW)
    hashes = [hashlib.sha256(content).hexdigest()[:12] for content in (NEW, OLD)]
    reason = f"{folder / 'curves.json'} has SHA-256 {hashes[0]}..., the manifest lists {hashes[1]}..."
    expect_damaged(tmp_path, reason, caplog)


def test_a_version_whose_curves_have_another_length_than_their_inputs_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    short = CURVES | {"curves": [CURVE | {"model": [1.0]}]}
    folder = write_curves(tmp_path, "m", curves=short)
    rule = "Value error, the curve of 'a' needs one sample for each of its 3 inputs."
    reason = f"{folder / 'curves.json'} does not hold curves: {rule}"
    expect_damaged(tmp_path, reason, caplog)
