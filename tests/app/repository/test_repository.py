import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backends import create_backend
from app.errors import ModelNotFoundError
from app.repository.repository import Repository
from tests.app.expect import expect_problem
from tests.app.factory import running, wait_until, write_sum, write_version


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path, create_backend("onnx", "cpu", 1))


def states(repository: Repository) -> dict[tuple[str, int], tuple[str, str | None]]:
    return {key: (entry.state, entry.reason) for key, entry in repository.entries()}


def prediction(repository: Repository, *requested: Any) -> float:
    """The model's output for 1 and 2: three times its weight."""
    return float(repository.get(*requested).predict(np.array([[1.0, 2.0]]))[0, 0])


def test_the_highest_version_is_served_unless_one_is_named(repository: Repository, tmp_path: Path) -> None:
    for version in (1, 2, 10):
        write_sum(tmp_path, version=version, weight=version)
    repository.refresh()
    assert [prediction(repository, "sum", version) for version in (None, 1, 2, 10)] == [30, 3, 6, 30]


def test_hidden_folders_files_and_other_names_than_versions_are_ignored(repository: Repository, tmp_path: Path) -> None:
    write_sum(tmp_path)
    write_sum(tmp_path, name=".half-written")
    for name in ("0", "01", "-1", "1.5", "v2", "latest", ".2", "2.tmp", "²"):
        (tmp_path / "sum" / name).mkdir()
    (tmp_path / "sum" / "3").write_text("a file")
    (tmp_path / "README.md").write_text("a file")
    (tmp_path / "empty").mkdir()
    repository.refresh()
    assert states(repository) == {("sum", 1): ("ready", None)}


def test_a_new_version_is_served_and_a_removed_one_is_not(repository: Repository, tmp_path: Path) -> None:
    write_sum(tmp_path)
    repository.refresh()
    new = write_sum(tmp_path, version=2, weight=2.0)
    assert prediction(repository, "sum") == 3
    repository.refresh()
    assert prediction(repository, "sum") == 6
    shutil.rmtree(new)
    repository.refresh()
    assert prediction(repository, "sum") == 3
    with pytest.raises(ModelNotFoundError) as caught:
        repository.get("sum", 2)
    assert caught.value.detail == "Model 'sum' has no version 2; it has 1."
    shutil.rmtree(tmp_path / "sum")
    repository.refresh()
    with pytest.raises(ModelNotFoundError) as caught:
        repository.get("sum")
    assert caught.value.detail == "There is no model 'sum'; GET /models lists all models."


def test_a_version_whose_files_change_is_reloaded(repository: Repository, tmp_path: Path) -> None:
    write_sum(tmp_path)
    repository.refresh()
    write_sum(tmp_path, weight=5.0, summary="retrained")
    repository.refresh()
    assert prediction(repository, "sum") == 15
    assert repository.get("sum").manifest.summary == "retrained"


def test_an_unchanged_version_is_not_loaded_again(repository: Repository, tmp_path: Path) -> None:
    write_sum(tmp_path)
    repository.refresh()
    before = repository.get("sum")
    write_sum(tmp_path, version=2)
    repository.refresh()
    assert repository.get("sum", 1) is before


def test_a_version_whose_files_are_damaged_is_reported_while_the_old_model_is_served_until_it_is_repaired(
    repository: Repository, tmp_path: Path
) -> None:
    folder = write_sum(tmp_path)
    repository.refresh()
    (folder / "model.onnx").write_bytes(b"half a copy")
    repository.refresh()
    state, reason = states(repository)["sum", 1]
    assert state == "damaged"
    assert reason is not None
    assert "has SHA-256" in reason
    assert reason.endswith("The previously loaded model is still served.")
    assert prediction(repository, "sum") == 3
    (folder / "manifest.json").unlink()
    repository.refresh()
    assert prediction(repository, "sum") == 3
    write_sum(tmp_path, weight=2.0)
    repository.refresh()
    assert states(repository) == {("sum", 1): ("ready", None)}
    assert prediction(repository, "sum") == 6


def test_a_damaged_version_that_is_repaired_is_served(repository: Repository, tmp_path: Path) -> None:
    folder = write_version(tmp_path, b"", {"name": "sum", "version": 1})
    repository.refresh()
    assert states(repository)["sum", 1][0] == "damaged"
    shutil.rmtree(folder)
    write_sum(tmp_path)
    repository.refresh()
    assert prediction(repository, "sum") == 3


def test_loading_and_removing_are_logged(
    repository: Repository, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.repository.repository")
    write_sum(tmp_path)
    repository.refresh()
    shutil.rmtree(tmp_path / "sum")
    repository.refresh()
    assert caplog.messages == ["Loaded 'sum' version 1.", "Removed: sum 1."]


def test_the_running_service_polls_for_new_and_removed_versions(tmp_path: Path) -> None:
    write_sum(tmp_path)
    body = {"model": "sum", "inputs": [[1, 2]]}
    with running(tmp_path, repository_poll_seconds=0.02) as client:

        def version() -> int:
            return int(client.post("/predict/arithmetic", json=body).json()["version"])

        assert version() == 1
        folder = write_sum(tmp_path, version=2)
        wait_until(lambda: version() == 2)
        shutil.rmtree(folder)
        wait_until(lambda: version() == 1)


def test_with_polling_off_a_new_version_is_not_noticed(tmp_path: Path) -> None:
    write_sum(tmp_path)
    with running(tmp_path, repository_poll_seconds=0) as client:
        write_sum(tmp_path, name="later")
        assert client.get("/models/later").status_code == 404


def test_an_unreadable_folder_does_not_affect_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sum(tmp_path, "locked")
    write_sum(tmp_path, "sum")

    def unreadable(folder: Path) -> list[int]:
        if folder.name == "locked":
            raise PermissionError(13, "Permission denied", str(folder))
        return [1]

    (tmp_path / "locked" / "1" / "manifest.json").unlink()
    monkeypatch.setattr("app.repository.scan.versions", unreadable)
    with running(tmp_path) as client:
        states = {model["name"]: model["state"] for model in client.get("/health/ready").json()["models"]}
        assert states == {"locked": "damaged", "sum": "ready"}
        response = client.get("/models/locked")
    expect_problem(response, 404, "Model 'locked' is damaged; GET /health/ready gives the reason.")


def test_an_empty_repository_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path) as client:
        assert client.get("/models").json() == {"models": []}
    assert f"There is no model in {tmp_path}." in caplog.messages
