"""Models are loaded and unloaded on demand, and scans respect it."""

import json
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.backends import Backend, Predictor, create_backend
from app.errors import InvalidInputError, ModelNotFoundError, UnavailableError
from app.repository.repository import Repository
from app.repository.snapshot import IndexEntry
from models.manifest import Manifest
from tests.app.factory import wait_until, write_sum

UNLOADED = "Model 'sum' is unloaded; POST /v2/repository/models/sum/load loads it."
NO_MODEL = "There is no model '{}'; GET /models lists all models."


class SlowBackend:
    """A backend that loads once the test allows it."""

    def __init__(self, backend: Backend) -> None:
        self.file, self.device = backend.file, backend.device
        self.backend = backend
        self.loading, self.allowed = threading.Event(), threading.Event()
        self.allowed.set()

    def load(self, content: bytes, manifest: Manifest) -> Predictor:
        self.loading.set()
        assert self.allowed.wait(10)
        return self.backend.load(content, manifest)


@pytest.fixture
def backend() -> SlowBackend:
    return SlowBackend(create_backend("onnx", "cpu", 1))


@pytest.fixture
def repository(tmp_path: Path, backend: SlowBackend) -> Repository:
    """sum (versions 1 and 2) and add."""
    for version in (1, 2):
        write_sum(tmp_path, version=version, weight=version)
    write_sum(tmp_path, "add")
    repository = Repository(tmp_path, backend)
    repository.refresh()
    return repository


@contextmanager
def in_a_thread(function: Any, *arguments: Any) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=function, args=arguments, daemon=True)
    thread.start()
    yield thread
    thread.join(10)
    assert not thread.is_alive()


def served(repository: Repository) -> list[tuple[str, int]]:
    return [key for key, entry in repository.entries() if entry.model]


def not_found(repository: Repository, name: str, *version: int) -> str:
    with pytest.raises(ModelNotFoundError) as caught:
        repository.get(name, *version)
    return caught.value.detail


def test_an_unloaded_model_is_not_served_in_any_version_and_others_are(repository: Repository) -> None:
    repository.unload("sum")
    assert [not_found(repository, "sum"), not_found(repository, "sum", 1)] == [UNLOADED, UNLOADED]
    assert served(repository) == [("add", 1)]
    assert [manifest.name for manifest in repository.latest()] == ["add"]


def test_scans_load_an_unloaded_model_neither_unchanged_nor_changed_nor_in_a_new_version(
    repository: Repository, tmp_path: Path
) -> None:
    repository.unload("sum")
    repository.refresh()
    write_sum(tmp_path, version=2, weight=7.0)
    write_sum(tmp_path, version=3)
    repository.refresh()
    assert served(repository) == [("add", 1)]


def test_loading_serves_an_unloaded_model_again_with_versions_added_meanwhile(
    repository: Repository, tmp_path: Path
) -> None:
    repository.unload("sum")
    write_sum(tmp_path, version=3, weight=3.0)
    repository.load("sum")
    assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2), ("sum", 3)]
    assert repository.get("sum").predict(np.array([[1.0, 2.0]])).tolist() == [[9.0]]
    repository.refresh()
    assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2), ("sum", 3)]


def test_loading_reloads_a_served_model_and_drops_removed_versions(repository: Repository, tmp_path: Path) -> None:
    before, other = repository.get("sum"), repository.get("add")
    shutil.rmtree(tmp_path / "sum" / "1")
    repository.load("sum")
    assert served(repository) == [("add", 1), ("sum", 2)]
    assert repository.get("sum") is not before
    assert repository.get("add") is other


def test_loading_or_unloading_an_unknown_model_is_an_error(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("unknown", "empty", "../sum", "", ".", "x" * 5000):
        for change in (repository.load, repository.unload):
            with pytest.raises(ModelNotFoundError) as caught:
                change(name)
            assert caught.value.detail == NO_MODEL.format(name[:64])
    assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2)]


def test_a_model_whose_folder_was_removed_is_dropped_when_it_is_loaded(repository: Repository, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "sum")
    with pytest.raises(ModelNotFoundError) as caught:
        repository.load("sum")
    assert caught.value.detail == NO_MODEL.format("sum")
    assert served(repository) == [("add", 1)]


def test_unloading_twice_is_no_error(repository: Repository) -> None:
    repository.unload("sum")
    repository.unload("sum")
    assert not_found(repository, "sum") == UNLOADED


def test_a_model_without_a_sound_version_cannot_be_loaded_for_the_reason_of_the_highest(
    repository: Repository, tmp_path: Path
) -> None:
    repository.unload("sum")
    for version in (1, 2):
        (tmp_path / "sum" / str(version) / "model.onnx").unlink()
    with pytest.raises(InvalidInputError) as caught:
        repository.load("sum")
    reason = f"{tmp_path}/sum/2/model.onnx cannot be read: No such file or directory."
    assert caught.value.detail == f"Model 'sum' cannot be loaded: {reason}"
    assert not_found(repository, "sum") == "Model 'sum' is damaged; GET /health/ready gives the reason."
    write_sum(tmp_path, version=2)
    repository.refresh()
    assert served(repository) == [("add", 1), ("sum", 2)]


def test_a_model_of_which_one_version_is_sound_is_loaded(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "sum" / "2" / "model.onnx").unlink()
    repository.unload("sum")
    repository.load("sum")
    assert served(repository) == [("add", 1), ("sum", 1)]


def test_the_index_lists_every_folder_with_its_state(repository: Repository, tmp_path: Path) -> None:
    repository.unload("add")
    (tmp_path / "sum" / "2" / "model.onnx").unlink()
    damaged = write_sum(tmp_path, version=3)
    (damaged / "model.onnx").write_bytes(b"")
    repository.refresh()
    write_sum(tmp_path, "later")
    listed = json.loads((damaged / "manifest.json").read_text())["files"]["model.onnx"]["sha256"]
    hash_differs = f"{damaged}/model.onnx has SHA-256 e3b0c44298fc..., the manifest lists {listed[:12]}..."
    missing = f"{tmp_path}/sum/2/model.onnx cannot be read: No such file or directory."
    assert repository.index() == [
        IndexEntry("add", 1, "UNAVAILABLE", "It was unloaded."),
        IndexEntry("later", 1, "UNAVAILABLE", "It has not been loaded yet."),
        IndexEntry("sum", 1, "READY", None),
        IndexEntry("sum", 2, "READY", f"{missing} The previously loaded model is still served."),
        IndexEntry("sum", 3, "UNAVAILABLE", hash_differs),
    ]


def test_before_the_initial_scan_the_index_reports_models_as_loading(tmp_path: Path, backend: SlowBackend) -> None:
    write_sum(tmp_path)
    assert Repository(tmp_path, backend).index() == [IndexEntry("sum", 1, "LOADING", "It has not been loaded yet.")]


def test_while_models_are_loaded_reads_do_not_block(
    repository: Repository, backend: SlowBackend, tmp_path: Path
) -> None:
    backend.loading.clear()
    backend.allowed.clear()
    write_sum(tmp_path, "slow")
    with in_a_thread(repository.refresh):
        assert backend.loading.wait(10)
        assert repository.get("sum", 1).manifest.version == 1
        assert [manifest.name for manifest in repository.latest()] == ["add", "sum"]
        assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2)]
        assert repository.index()[1] == IndexEntry("slow", 1, "UNAVAILABLE", "It has not been loaded yet.")
        backend.allowed.set()
    assert ("slow", 1) in served(repository)


def test_a_model_unloaded_while_a_scan_loads_it_stays_unloaded(
    repository: Repository, backend: SlowBackend, tmp_path: Path
) -> None:
    backend.loading.clear()
    backend.allowed.clear()
    write_sum(tmp_path, version=3)
    with in_a_thread(repository.refresh):
        assert backend.loading.wait(10)
        with in_a_thread(repository.unload, "sum"):
            backend.allowed.set()
    assert not_found(repository, "sum") == UNLOADED
    assert served(repository) == [("add", 1)]


def test_loading_waits_for_the_initial_scan(tmp_path: Path, backend: SlowBackend) -> None:
    write_sum(tmp_path)
    repository = Repository(tmp_path, backend)
    backend.allowed.clear()
    with in_a_thread(repository.refresh):
        assert backend.loading.wait(10)
        with pytest.raises(UnavailableError):
            repository.get("sum")
        with in_a_thread(repository.load, "sum"):
            backend.allowed.set()
    wait_until(lambda: served(repository) == [("sum", 1)])


def test_unloading_is_logged(repository: Repository, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.repository.repository")
    repository.unload("add")
    repository.load("add")
    assert caplog.messages == ["Unloaded 'add'.", "Loaded 'add' version 1."]
