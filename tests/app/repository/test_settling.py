"""A version folder that is still being copied is neither served nor reported as damaged; an unchanged one is."""

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.backends import create_backend
from app.errors import ModelNotFoundError, UnavailableError
from app.repository.repository import Repository
from app.repository.snapshot import IndexEntry
from tests.app.factory import running, write_sum

LONG_SECONDS = 1000.0
"""Longer than any test: every written file counts as just changed."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository", create_backend("onnx", "cpu", 1), settle_seconds=LONG_SECONDS)


@pytest.fixture
def complete(tmp_path: Path) -> Path:
    """A sound version 1 of sum, outside the repository."""
    return write_sum(tmp_path / "elsewhere")


def states(repository: Repository) -> dict[tuple[str, int], tuple[str, str | None]]:
    return {key: (entry.state, entry.reason) for key, entry in repository.entries()}


def prediction(repository: Repository) -> float:
    return float(repository.get("sum").predict(np.array([[1.0, 2.0]]))[0, 0])


def half_copied(repository: Repository, complete: Path) -> Path:
    """The manifest is there, the model is not."""
    folder = repository.root / "sum" / "1"
    folder.mkdir(parents=True)
    shutil.copy(complete / "manifest.json", folder)
    return folder


def test_a_complete_folder_is_served_at_the_first_scan(repository: Repository) -> None:
    write_sum(repository.root)
    repository.refresh()
    assert states(repository) == {("sum", 1): ("ready", None)}
    assert prediction(repository) == 3


def test_a_folder_that_is_being_copied_is_not_reported_as_damaged_and_is_served_once_complete(
    repository: Repository, complete: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.repository.repository")
    folder, content = half_copied(repository, complete), (complete / "model.onnx").read_bytes()
    for size in range(0, len(content), len(content) // 4):
        repository.refresh()
        assert states(repository) == {}
        (folder / "model.onnx").write_bytes(content[:size])
    (folder / "model.onnx").write_bytes(content)
    repository.refresh()
    assert states(repository) == {("sum", 1): ("ready", None)}
    assert prediction(repository) == 3
    assert caplog.messages == ["Loaded 'sum' version 1."]


def test_an_interrupted_copy_is_damaged_at_the_next_scan(repository: Repository, complete: Path) -> None:
    folder = half_copied(repository, complete)
    repository.refresh()
    assert states(repository) == {}
    repository.refresh()
    reason = f"{folder}/model.onnx cannot be read: No such file or directory."
    assert states(repository) == {("sum", 1): ("damaged", reason)}
    shutil.copy(complete / "model.onnx", folder)
    repository.refresh()
    assert states(repository) == {("sum", 1): ("ready", None)}


def test_requests_for_a_model_that_is_being_copied_get_503(repository: Repository, complete: Path) -> None:
    half_copied(repository, complete)
    repository.refresh()
    reads: list[Callable[[str], object]] = [repository.get, repository.versions_of]
    for read in reads:
        with pytest.raises(UnavailableError) as caught:
            read("sum")
        assert caught.value.detail == "Model 'sum' is still being copied into the repository; try again later."
    assert repository.index() == [IndexEntry("sum", 1, "LOADING", "Its files are still changing.")]
    assert repository.latest() == []


def test_files_copied_with_their_old_times_count_as_new(repository: Repository, complete: Path) -> None:
    folder = half_copied(repository, complete)
    for path in (folder / "manifest.json", folder):
        os.utime(path, (1, 1))
    repository.refresh()
    assert states(repository) == {}


def test_an_old_damaged_folder_is_reported_at_the_first_scan(repository: Repository, complete: Path) -> None:
    folder = half_copied(repository, complete)
    repository.settle_seconds = 0.01
    time.sleep(0.05)
    repository.refresh()
    reason = f"{folder}/model.onnx cannot be read: No such file or directory."
    assert states(repository) == {("sum", 1): ("damaged", reason)}


def test_a_copy_over_a_served_version_keeps_the_old_model_and_is_reported_only_if_interrupted(
    repository: Repository,
) -> None:
    folder = write_sum(repository.root)
    repository.refresh()
    (folder / "model.onnx").write_bytes(b"half a copy")
    repository.refresh()
    assert (states(repository), prediction(repository)) == ({("sum", 1): ("ready", None)}, 3)
    repository.refresh()
    state, reason = states(repository)["sum", 1]
    assert (state, prediction(repository)) == ("damaged", 3)
    assert reason is not None
    assert reason.startswith(f"{folder}/model.onnx has SHA-256 ")
    assert reason.endswith(" The previously loaded model is still served.")
    write_sum(repository.root, weight=2.0)
    repository.refresh()
    assert (states(repository), prediction(repository)) == ({("sum", 1): ("ready", None)}, 6)


def test_a_damaged_folder_stays_reported_while_it_changes(repository: Repository, complete: Path) -> None:
    folder = half_copied(repository, complete)
    for _ in range(2):
        repository.refresh()
    before = states(repository)
    (folder / "model.onnx").write_bytes(b"half a copy")
    repository.refresh()
    assert states(repository) == before
    repository.refresh()
    state, reason = states(repository)["sum", 1]
    assert state == "damaged"
    assert reason is not None
    assert reason.startswith(f"{folder}/model.onnx has SHA-256 ")


def test_an_aborted_and_removed_copy_is_dropped_without_a_log_line(
    repository: Repository, complete: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_sum(repository.root, "other")
    caplog.set_level(logging.INFO, "app.repository.repository")
    folder = half_copied(repository, complete)
    repository.refresh()
    shutil.rmtree(folder)
    repository.refresh()
    assert caplog.messages == ["Loaded 'other' version 1."]
    with pytest.raises(ModelNotFoundError) as caught:
        repository.get("sum")
    assert caught.value.detail == "There is no model 'sum'; GET /models lists all models."


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_the_settling_time_is_the_polling_interval(tmp_path: Path, seconds: float) -> None:
    with running(tmp_path, repository_poll_seconds=seconds) as client:
        assert client.app.state.service.repository.settle_seconds == seconds  # type: ignore[attr-defined]
