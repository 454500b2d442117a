"""GET /models/{name}/report: the page that `python -m training report` wrote."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.expect import expect_problem
from tests.app.factory import TestClient, add_file, running, write_sum

PAGE = "<!doctype html><title>sum, größer</title>".encode()


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    add_file(write_sum(root, version=1), "report.html", PAGE)
    add_file(write_sum(root, version=2), "report.html", b"second")
    add_file(write_sum(root, "changed"), "report.html", PAGE)
    (root / "changed" / "1" / "report.html").write_bytes(b"<script>")
    write_sum(root, "bare")
    lines = [f"{key} {hashlib.sha256(key.encode()).hexdigest()} {limit}" for key, limit in LIMITS.items()]
    (root / "keys").write_text("\n".join(lines))
    return root


LIMITS = {"secret": "", "other": "models=bare"}


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[TestClient]:
    with running(root) as client:
        yield client


def test_the_report_of_the_version_asked_for_is_a_page_that_runs_and_loads_nothing(client: TestClient) -> None:
    response = client.get("/models/sum/report?version=1")
    assert (response.status_code, response.content) == (200, PAGE)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    policy = response.headers["content-security-policy"].split("; ")
    assert {"sandbox", "default-src 'none'", "base-uri 'none'", "form-action 'none'"} <= set(policy)
    assert not any("script" in rule or "http" in rule for rule in policy)
    assert client.get("/models/sum/report").content == b"second"


def test_a_browser_that_has_the_report_does_not_get_it_again(client: TestClient) -> None:
    tag = f'"{hashlib.sha256(PAGE).hexdigest()}"'
    response = client.get("/models/sum/report?version=1", headers={"If-None-Match": tag})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)


def test_a_model_without_a_report_is_answered_with_the_command_that_writes_it(client: TestClient) -> None:
    command = "`python -m training report bare --version 1`"
    expect_problem(
        client.get("/models/bare/report"), 404, f"Model 'bare' version 1 has no report.html; {command} writes it."
    )
    expect_problem(
        client.get("/models/nobody/report"), 404, "There is no model 'nobody'; GET /models lists all models."
    )


def test_a_report_that_is_not_that_of_the_manifest_is_not_served_and_its_model_is(client: TestClient) -> None:
    detail = "The report of 'changed' cannot be read or has changed; write it again."
    expect_problem(client.get("/models/changed/report"), 503, detail)
    assert client.post("/predict/arithmetic", json={"model": "changed", "inputs": [[1, 2]]}).status_code == 200


def test_reports_need_a_key_of_the_model(root: Path) -> None:
    with running(root, api_keys_file=root / "keys") as client:
        expect_problem(client.get("/models/sum/report"), 401)
        expect_problem(client.get("/models/sum/report", headers={"X-API-Key": "other"}), 403)
        assert client.get("/models/sum/report", headers={"X-API-Key": "secret"}).content == b"second"
