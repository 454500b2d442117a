"""The service and ``app.predict`` on a repository in an object store: what they serve, and how they end."""

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from app.__main__ import create_worker, main
from app.predict.__main__ import main as predict_main
from models.object_store import ObjectStore
from tests.app.factory import LIMIT_SECONDS, TestClient, running, wait_until, write_sum
from tests.app.repository.mirror.stores import ADDRESS, Bucket

Predict = Callable[..., tuple[int, float | None, list[str]]]

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


@pytest.fixture
def predict(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Predict:
    """Runs app.predict with sum on 3 and 4; gives exit code, prediction and notices."""
    table = tmp_path / "table.csv"
    table.write_text("a,b\n3,4\n")
    monkeypatch.setenv("NALU_REPOSITORY_POLL_SECONDS", "0")  # each run looks, however soon after the last

    def run(*options: str, model: str = "sum") -> tuple[int, float | None, list[str]]:
        code = predict_main([model, str(table), "--repository", ADDRESS, *options])
        out, err = capsys.readouterr()
        lines = [line for line in err.splitlines() if line.startswith("nalu-serve: ")]  # others' logging may be set up
        return (code, None, lines) if code else (0, float(out.splitlines()[1].split(",")[2]), lines)

    return run


def test_predict_reads_a_model_of_a_bucket_and_from_the_cache_when_it_is_gone(bucket: Bucket, predict: Predict) -> None:
    assert predict() == (0, 7.0, [])
    bucket.before = refuse
    code, prediction, [notice] = predict()
    assert (code, prediction) == (0, 7.0)
    assert notice.startswith(f"nalu-serve: {ADDRESS} cannot be listed: the connection is refused; ")
    code, _, lines = predict(model="other")
    assert (code, lines[-1]) == (2, f"nalu-serve: There is no model 'other' in {ADDRESS}; it has sum.")


def test_predict_names_a_newer_version_that_is_not_fetched_and_the_one_that_it_uses(
    bucket: Bucket, predict: Predict
) -> None:
    write_sum(bucket.source, version=2, weight=2)
    bucket.upload("sum/2/*")
    bucket.memory.put("sum/3/model.onnx", b"half")
    bucket.memory.put("other/1/model.onnx", b"half")
    reason = f"{ADDRESS}/sum/3 has no manifest.json, which is uploaded last; complete it, or remove it."
    for _ in range(3):  # as the first time may be an upload that is under way
        assert predict() == (0, 14.0, [f"nalu-serve: {reason} Version 2 is used."])
    assert predict("--version", "1") == (0, 7.0, [])
    assert predict("--version", "3") == (2, None, [f"nalu-serve: {reason}"])
    reason = f"{ADDRESS}/other/1 has no manifest.json, which is uploaded last; complete it, or remove it."
    assert predict(model="other") == (2, None, [f"nalu-serve: {reason}"])


def test_predict_names_a_changed_version_that_is_not_fetched(bucket: Bucket, predict: Predict) -> None:
    predict()
    size = len(bucket.memory.get("sum/1/model.onnx").bytes())
    bucket.memory.put("sum/1/model.onnx", b"?" * size)
    code, prediction, [notice] = predict()
    assert (code, prediction) == (0, 7.0)
    assert notice.startswith(f"nalu-serve: {ADDRESS}/sum/1/model.onnx has SHA-256 ")
    assert notice.endswith("...; upload it again. Version 1 is used as it was fetched before.")


def test_predict_ends_with_a_sentence_where_neither_store_nor_cache_has_models(
    bucket: Bucket, predict: Predict
) -> None:
    bucket.before = refuse
    reason = "the connection is refused; correct the endpoint, or start the store."
    assert predict() == (2, None, [f"nalu-serve: The repository {ADDRESS} cannot be listed: {reason}"])
