"""The service and ``app.predict`` on a repository in an object store: what they serve, and how they end."""

import os
import socket
import sys
import time
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from app.__main__ import create_worker, main
from app.predict.__main__ import main as predict
from models.object_store import ObjectStore
from tests.app.factory import LIMIT_SECONDS, TestClient, running, wait_until, write_sum
from tests.app.repository.mirror.stores import ADDRESS, Bucket

REFUSED = "Generic S3 error: ConnectionRefused"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """sum, which any address opens."""
    bucket = Bucket(tmp_path / "source")
    write_sum(bucket.source)
    bucket.upload()
    monkeypatch.setattr(ObjectStore, "open", lambda address, **_: ObjectStore(address, bucket))
    return bucket


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and no other variables of stores."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NALU_REPOSITORY_CACHE", str(tmp_path / "cache"))


def refuse(path: str) -> None:
    raise GenericError(REFUSED)


def predictions(client: TestClient) -> object:
    return client.post("/predict/arithmetic", json={"model": "sum", "inputs": [[3, 4]]}).json()["predictions"]


def test_a_service_on_a_bucket_serves_new_versions_and_reports_an_outage_and_a_version_that_is_not_fetched(
    bucket: Bucket, tmp_path: Path
) -> None:
    with running(ADDRESS, repository_cache=tmp_path / "cache", repository_poll_seconds=0.02) as client:  # type: ignore[arg-type]
        assert predictions(client) == [[7.0]]
        assert "since" not in client.get("/health/ready").json()
        write_sum(bucket.source, version=2, weight=2)
        bucket.upload("sum/2/*")
        wait_until(lambda: predictions(client) == [[14.0]])
        bucket.memory.put("sum/3/model.onnx", b"half")
        wait_until(lambda: len(client.get("/health/ready").json()["models"]) == 3)
        bucket.before = refuse
        wait_until(lambda: "status" in client.get("/health/ready").json())
        response = client.get("/health/ready")
        ready = response.json()
        assert response.status_code == 200
        assert (ready["ready"], ready["status"]) == (True, "degraded")
        age = time.time() - time.mktime(time.strptime(ready["since"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone
        assert 0 <= age < LIMIT_SECONDS
        served = f"The models are served as they were there at {ready['since']}."
        reason = f"{ADDRESS} cannot be listed: the connection is refused; correct the endpoint, or start the store."
        assert ready["reason"] == f"{reason} {served}"
        assert ready["models"][2] == {
            "name": "sum",
            "version": 3,
            "state": "damaged",
            "reason": f"{ADDRESS}/sum/3 has no manifest.json, which is uploaded last; complete it, or remove it.",
        }
        assert predictions(client) == [[14.0]]


def test_a_worker_that_starts_without_the_store_is_not_ready_until_it_is_there(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NALU_REPOSITORY", ADDRESS)
    monkeypatch.setenv("NALU_REPOSITORY_POLL_SECONDS", "0.02")
    bucket.before = refuse
    with TestClient(create_worker()) as client:
        wait_until(lambda: client.get("/health/ready").json().get("status") == "unavailable")
        assert client.get("/health/ready").status_code == 503
        bucket.before = lambda path: None
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        assert predictions(client) == [[7.0]]


def test_a_store_that_fails_at_the_start_is_looked_at_until_it_answers_though_polling_is_off(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.main.RETRY_SECONDS", 0.02)
    with running(ADDRESS, repository_cache=tmp_path / "cache"):  # type: ignore[arg-type]
        pass
    write_sum(bucket.source, version=2, weight=2)
    bucket.upload("sum/2/*")
    bucket.before = refuse
    with running(ADDRESS, repository_cache=tmp_path / "cache") as client:  # type: ignore[arg-type]
        assert predictions(client) == [[7.0]]
        bucket.before = lambda path: None
        wait_until(lambda: predictions(client) == [[14.0]])
        looks = bucket.requests.count("")
        time.sleep(0.1)
        assert bucket.requests.count("") == looks


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a start prints that ends with code 2."""
    assert main(arguments) == 2
    return capsys.readouterr().err


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_store_that_cannot_be_read_ends_the_start_with_a_sentence(
    bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.before = refuse
    assert ended(capsys, "--repository", ADDRESS) == (
        f"nalu-serve: NALU_REPOSITORY: {ADDRESS} cannot be listed: the connection is refused; correct the endpoint, or "
        "start the store.\n"
    )


def test_an_empty_bucket_ends_the_start_with_a_sentence_unless_no_model_is_needed(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.delete("sum")
    assert ended(capsys, "--repository", ADDRESS) == (
        f"nalu-serve: NALU_REPOSITORY: {ADDRESS} holds no model; upload one with `python -m training push NAME "
        f"{ADDRESS}`, or correct the address.\n"
    )
    with running(ADDRESS, repository_cache=tmp_path / "cache", ready_without_models=True) as client:  # type: ignore[arg-type]
        assert client.get("/health/ready").status_code == 200


def test_a_missing_obstore_ends_the_start_with_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    assert ended(capsys, "--repository", ADDRESS) == (
        f"nalu-serve: NALU_REPOSITORY: {ADDRESS} needs obstore: pip install 'nalu-serve[cloud]'.\n"
    )


def test_a_cache_that_cannot_be_written_to_ends_the_start_with_a_sentence(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("NALU_REPOSITORY_CACHE", str(file))
    assert ended(capsys, "--repository", ADDRESS) == (
        f"nalu-serve: NALU_REPOSITORY_CACHE is '{file}', where {ADDRESS} cannot be mirrored (Not a directory); give a "
        "folder that can be written to.\n"
    )


def test_predict_reads_a_model_of_a_bucket_and_from_the_cache_when_it_is_gone(
    bucket: Bucket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,b\n3,4\n")
    for before in (lambda path: None, refuse):
        bucket.before = before
        assert predict(["sum", str(table), "--repository", ADDRESS]) == 0
        assert float(capsys.readouterr().out.splitlines()[1].split(",")[2]) == 7
    assert predict(["other", str(table), "--repository", ADDRESS]) == 2
    sentence = f"nalu-serve: There is no model 'other' in {ADDRESS}; it has sum."
    assert capsys.readouterr().err.splitlines()[-1] == sentence  # after the log's of the store


def test_predict_ends_with_a_sentence_where_neither_store_nor_cache_has_models(
    bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket.before = refuse
    assert predict(["sum", "table.csv", "--repository", f"{ADDRESS}/"]) == 2
    assert capsys.readouterr().err == (
        f"nalu-serve: The repository {ADDRESS} cannot be listed: the connection is refused; correct the endpoint, or "
        "start the store.\n"
    )
