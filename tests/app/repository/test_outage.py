"""While the folder of the models is unavailable, those that were loaded are served, and the service reports it."""

import errno
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.__main__ import create_worker, main
from app.backends import create_backend
from app.errors import InvalidInputError, ModelNotFoundError, UnavailableError
from app.main import create_app
from app.repository.repository import Repository
from app.repository.snapshot import IndexEntry
from app.settings import Settings, SettingsError
from models.manifest import versions
from tests.app.factory import TestClient, running, wait_until, write_sum

AWAY = "The folder of the models cannot be read; GET /health/ready gives the reason."
REPLACED = (
    "{root} has been replaced by an empty folder, as when a volume is not mounted; mount it, or restart the "
    "service to unload its models."
)
Change = Callable[[Path, pytest.MonkeyPatch], None]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """sum (versions 1 and 2) and add."""
    root = tmp_path / "mounted"
    for version in (1, 2):
        write_sum(root, version=version, weight=version)
    write_sum(root, "add")
    repository = Repository(root, create_backend("onnx", "cpu", 1))
    repository.refresh()
    return repository


def served(repository: Repository) -> list[tuple[str, int]]:
    return [key for key, entry in repository.entries() if entry.model]


def prediction(repository: Repository) -> float:
    """Of sum, for 1 and 2: three times its weight."""
    return float(repository.get("sum").predict(np.array([[1.0, 2.0]]))[0, 0])


def renamed(root: Path, _: pytest.MonkeyPatch) -> None:
    root.rename(root.with_name("away"))


def replaced_by_an_empty_folder(root: Path, patch: pytest.MonkeyPatch) -> None:
    renamed(root, patch)
    root.mkdir()


def replaced_by_a_new_volume(root: Path, patch: pytest.MonkeyPatch) -> None:
    replaced_by_an_empty_folder(root, patch)
    (root / "lost+found").mkdir()
    (root / ".hidden").write_text("")
    (root / "README.md").write_text("")


def replaced_by_a_file(root: Path, patch: pytest.MonkeyPatch) -> None:
    renamed(root, patch)
    root.write_text("")


def replaced_by_a_dangling_link(root: Path, patch: pytest.MonkeyPatch) -> None:
    renamed(root, patch)
    root.symlink_to("nowhere")


def failing(number: int) -> Change:
    """Reading the folder fails with an error number of the operating system."""

    def fail(root: Path, patch: pytest.MonkeyPatch) -> None:
        scandir = os.scandir

        def refused(folder: Path) -> Iterator[Path]:
            if folder == root:
                raise OSError(number, os.strerror(number), str(folder))
            return scandir(folder)

        patch.setattr(os, "scandir", refused)

    return fail


CANNOT = "{root} cannot be read: "
WAYS: dict[str, tuple[Change, str]] = {
    "renamed": (renamed, CANNOT + "No such file or directory."),
    "empty-mount": (replaced_by_an_empty_folder, REPLACED),
    "new-volume": (replaced_by_a_new_volume, REPLACED),
    "file": (replaced_by_a_file, CANNOT + "Not a directory."),
    "dangling-link": (replaced_by_a_dangling_link, CANNOT + "No such file or directory."),
    "no-permission": (failing(errno.EACCES), CANNOT + "Permission denied."),
    "input-output-error": (failing(errno.EIO), CANNOT + "Input/output error."),
    "stale-handle": (failing(errno.ESTALE), CANNOT + "Stale file handle."),
}


def restore(root: Path) -> None:
    away = root.with_name("away")
    if away.exists():
        if root.is_dir():
            shutil.rmtree(root)
        else:
            root.unlink(missing_ok=True)
        away.rename(root)


@pytest.mark.parametrize(("change", "reason"), WAYS.values(), ids=WAYS)
def test_all_versions_are_served_on_and_the_log_has_a_line_when_the_folder_goes_and_one_when_it_is_back(
    repository: Repository, caplog: pytest.LogCaptureFixture, change: Change, reason: str
) -> None:
    caplog.set_level(logging.INFO, "app.repository")
    before, start, root = repository.get("sum"), datetime.now(UTC), repository.root
    expected = reason.format(root=root)
    with pytest.MonkeyPatch.context() as patch:
        change(root, patch)
        for _ in range(3):
            repository.refresh()
            assert repository.outage is not None
            assert repository.outage.reason == expected
            assert start <= repository.outage.since <= datetime.now(UTC)
        assert (served(repository), prediction(repository)) == ([("add", 1), ("sum", 1), ("sum", 2)], 6)
    restore(root)
    repository.refresh()
    assert repository.outage is None
    assert repository.get("sum") is before
    assert caplog.messages == [
        f"The repository folder is unavailable: {expected} The models loaded before are still served.",
        f"The repository folder is available again: {root}.",
    ]


def test_another_reason_is_logged_and_the_outage_goes_on(
    repository: Repository, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(repository.root, monkeypatch)
    repository.refresh()
    first = repository.outage
    repository.root.mkdir()
    repository.refresh()
    second = repository.outage
    assert first is not None
    assert second is not None
    assert second.since == first.since
    assert [message.partition(": ")[2].partition(" The models")[0] for message in caplog.messages] == [
        first.reason,
        second.reason,
    ]


def test_a_folder_that_goes_while_it_is_listed_drops_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def listed(folder: Path) -> list[int]:
        if repository.root.exists():
            renamed(repository.root, monkeypatch)
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))

    with monkeypatch.context() as patch:
        patch.setattr("app.repository.scan.versions", listed)
        repository.refresh()
    assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2)]


def test_a_folder_whose_models_were_all_removed_is_not_away(repository: Repository) -> None:
    for folder in repository.root.iterdir():
        shutil.rmtree(folder)
    repository.refresh()
    assert (served(repository), repository.outage) == ([], None)


def test_a_folder_that_comes_back_empty_stays_away_until_it_has_models(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(repository.root, monkeypatch)
    repository.refresh()
    for folder in repository.root.with_name("away").iterdir():
        shutil.rmtree(folder)
    restore(repository.root)
    repository.refresh()
    assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2)]
    assert repository.outage is not None
    assert repository.outage.reason == REPLACED.format(root=repository.root)
    write_sum(repository.root, "other")
    repository.refresh()
    assert (served(repository), repository.outage) == ([("other", 1)], None)


def test_another_folder_with_models_takes_the_place_of_the_old_one(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(repository.root, monkeypatch)
    write_sum(repository.root, "other")
    repository.refresh()
    assert (served(repository), repository.outage) == ([("other", 1)], None)


def test_a_folder_whose_disk_does_not_respond_is_away_until_it_does(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    responds = threading.Event()

    def waiting(folder: Path) -> list[int]:
        assert responds.wait(10)
        return versions(folder)

    monkeypatch.setattr("app.repository.folder.LISTING_SECONDS", 0.05)
    monkeypatch.setattr("app.repository.scan.versions", waiting)
    start = datetime.now(UTC)
    scan = threading.Thread(target=repository.refresh)
    scan.start()
    wait_until(lambda: repository.outage is not None)
    outage = repository.outage
    assert outage is not None
    assert start <= outage.since
    assert outage.reason == (
        f"{repository.root} has not been listed within 0.05 seconds, as where its disk does not respond."
    )
    assert prediction(repository) == 6
    responds.set()
    scan.join(10)
    assert repository.outage is None
    assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2)]


def test_a_folder_that_comes_back_with_other_versions_serves_those(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(repository.root, monkeypatch)
    repository.refresh()
    restore(repository.root)
    shutil.rmtree(repository.root / "sum" / "1")
    write_sum(repository.root, version=3, weight=3)
    repository.refresh()
    assert (served(repository), prediction(repository)) == ([("add", 1), ("sum", 2), ("sum", 3)], 9)


def replaced_while_away(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed(repository.root, monkeypatch)
    repository.refresh()


def replaced_between_scans(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    renamed(repository.root, monkeypatch)


def replaced_after_an_empty_one(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced_by_an_empty_folder(repository.root, monkeypatch)
    repository.refresh()


@pytest.mark.parametrize("replaced", [replaced_while_away, replaced_between_scans, replaced_after_an_empty_one])
def test_what_a_folder_that_is_still_being_copied_lacks_is_served_on(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, replaced: Callable[..., None]
) -> None:
    repository.settle_seconds = 60
    replaced(repository, monkeypatch)
    write_sum(repository.root, "add")
    for _ in range(3):
        repository.refresh()
        assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2)]
    write_sum(repository.root, version=2, weight=5)
    repository.refresh()
    assert (repository.outage, prediction(repository)) == (None, 15)
    repository.settle_seconds = 1e-6
    repository.refresh()
    assert served(repository) == [("add", 1), ("sum", 2)]


def test_models_removed_from_the_same_folder_are_dropped_at_once(repository: Repository) -> None:
    repository.settle_seconds = 60
    shutil.rmtree(repository.root / "add")
    repository.refresh()
    assert served(repository) == [("sum", 1), ("sum", 2)]


def unreadable(root: Path, patch: pytest.MonkeyPatch) -> None:
    failing(errno.EACCES)(root / "sum", patch)


def unmounted(root: Path, _: pytest.MonkeyPatch) -> None:
    (root / "sum").rename(root.with_name("away"))
    (root / "sum").mkdir()


HALF_MOUNTED: dict[str, tuple[Change, str]] = {
    "unreadable": (unreadable, "{root}/sum cannot be read: Permission denied."),
    "unmounted": (unmounted, "{root}/sum has been replaced by an empty folder."),
}


@pytest.mark.parametrize(("change", "reason"), HALF_MOUNTED.values(), ids=HALF_MOUNTED)
def test_where_the_folder_of_one_model_is_away_all_its_versions_are_served_on_and_reported_once(
    repository: Repository, caplog: pytest.LogCaptureFixture, change: Change, reason: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        change(repository.root, patch)
        for _ in range(3):
            repository.refresh()
    expected = f"{reason.format(root=repository.root)} The previously loaded model is still served."
    states = {key: (entry.state, entry.reason) for key, entry in repository.entries()}
    assert states == {
        ("add", 1): ("ready", None),
        ("sum", 1): ("damaged", expected),
        ("sum", 2): ("damaged", expected),
    }
    assert (served(repository), prediction(repository)) == ([("add", 1), ("sum", 1), ("sum", 2)], 6)
    assert caplog.messages == [f"Model 'sum' version {version} is damaged: {expected}" for version in (1, 2)]
    if change is unmounted:
        (repository.root / "sum").rmdir()
        repository.root.with_name("away").rename(repository.root / "sum")
    repository.refresh()
    assert {entry.reason for _, entry in repository.entries()} == {None}


def test_versions_without_their_files_are_served_on(repository: Repository) -> None:
    for path in (repository.root / "sum").rglob("*.*"):
        path.unlink()
    repository.refresh()
    assert (served(repository), prediction(repository)) == ([("add", 1), ("sum", 1), ("sum", 2)], 6)
    assert {entry.state for key, entry in repository.entries() if key[0] == "sum"} == {"damaged"}


def test_a_model_whose_versions_were_all_removed_is_not_away(repository: Repository) -> None:
    for folder in (repository.root / "sum").iterdir():
        shutil.rmtree(folder)
    repository.refresh()
    assert served(repository) == [("add", 1)]


def test_an_unloaded_model_whose_folder_is_away_is_not_reported(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.unload("sum")
    unreadable(repository.root, monkeypatch)
    repository.refresh()
    assert [key for key, _ in repository.entries()] == [("add", 1)]


def test_models_cannot_be_loaded_from_a_folder_that_is_away_and_can_be_unloaded(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(repository.root, monkeypatch)
    for name in ("sum", "unknown"):
        with pytest.raises(UnavailableError) as caught:
            repository.load(name)
        assert caught.value.detail == AWAY
    with pytest.raises(ModelNotFoundError):
        repository.unload("unknown")
    assert served(repository) == [("add", 1), ("sum", 1), ("sum", 2)]
    repository.unload("sum")
    assert served(repository) == [("add", 1)]


@pytest.mark.parametrize(("change", "reason"), HALF_MOUNTED.values(), ids=HALF_MOUNTED)
def test_a_model_whose_folder_is_away_cannot_be_loaded_and_is_served_on(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, change: Change, reason: str
) -> None:
    change(repository.root, monkeypatch)
    with pytest.raises(InvalidInputError) as caught:
        repository.load("sum")
    assert caught.value.detail == f"Model 'sum' cannot be loaded: {reason.format(root=repository.root)}"
    assert (served(repository), prediction(repository)) == ([("add", 1), ("sum", 1), ("sum", 2)], 6)


def test_the_index_lists_what_is_served_with_the_reason(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(repository.root, monkeypatch)
    repository.refresh()
    reason = f"{repository.root} cannot be read: No such file or directory."
    expected = [("add", 1), ("sum", 1), ("sum", 2)]
    assert repository.index() == [IndexEntry(*key, "READY", reason) for key in expected]


BAD_ROOTS: dict[str, tuple[Change, str]] = {
    "missing": (lambda *_: None, "which is not a folder; give the folder of the models."),
    "file": (lambda root, _: root.touch(), "which is not a folder; give the folder of the models."),
    "dangling": (lambda root, _: root.symlink_to("x"), "which is not a folder; give the folder of the models."),
    "loop": (
        lambda root, _: root.symlink_to(root.name),
        "which cannot be read (Too many levels of symbolic links); let the service's user read it, or give another "
        "folder.",
    ),
}


@pytest.mark.parametrize(("make", "problem"), BAD_ROOTS.values(), ids=BAD_ROOTS)
def test_a_folder_that_is_none_at_the_start_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Change, problem: str
) -> None:
    root = tmp_path / "models"
    make(root, monkeypatch)
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(repository=root))
    assert str(caught.value) == f"NALU_REPOSITORY is '{root}', {problem}"


def test_a_folder_that_may_not_be_read_at_the_start_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scandir(folder: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr("app.main.os.scandir", scandir)
    with pytest.raises(SettingsError) as caught:
        create_app(Settings(repository=tmp_path))
    assert str(caught.value) == (
        f"NALU_REPOSITORY is '{tmp_path}', which cannot be read (Permission denied); let the service's user read it, "
        "or give another folder."
    )


@pytest.mark.parametrize("poll_seconds", [0.0, 0.01])
def test_a_worker_that_starts_while_the_folder_is_away_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, poll_seconds: float
) -> None:
    root = tmp_path / "models"
    monkeypatch.setattr("app.main.RETRY_SECONDS", 0.01)
    settings = Settings(repository=root, repository_poll_seconds=poll_seconds, threads=1)
    reason = f"{root} cannot be read: No such file or directory."
    with TestClient(create_app(settings, wait_for_repository=True)) as client:
        wait_until(lambda: "status" in client.get("/health/ready").json())
        response = client.get("/health/ready")
        content = response.json()
        datetime.fromisoformat(content.pop("since"))
        assert response.status_code == 503
        assert content == {"ready": False, "status": "unavailable", "reason": reason, "models": []}
        for path in ("/models", "/models/sum"):
            assert client.get(path).status_code == 503
            assert client.get(path).json()["detail"] == AWAY
        write_sum(root)
        wait_until(lambda: client.get("/health/ready").status_code == 200)
        assert client.get("/models/sum").status_code == 200
    assert [message for message in caplog.messages if "unavailable" in message] == [
        f"The repository folder is unavailable: {reason}"
    ]


def test_a_worker_process_can_start_while_the_folder_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NALU_REPOSITORY", str(tmp_path / "models"))
    monkeypatch.setattr("app.__main__.configure_logging", lambda *_: None)
    create_worker()
    assert main([]) == 2


def test_an_unexpected_failure_of_the_scan_is_logged_once_and_the_scans_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_sum(tmp_path)
    scans = []

    def fail(*_: object, in_use: bool) -> None:
        scans.append(1)
        raise RuntimeError("unexpected")

    with running(tmp_path, repository_poll_seconds=0.01) as client:
        monkeypatch.setattr("app.repository.folder.RepositoryFolder.list", fail)
        wait_until(lambda: len(scans) > 3)
        assert client.get("/models/sum").status_code == 200
    failures = [message for message in caplog.messages if message.startswith("Scanning the repository failed")]
    assert failures == ["Scanning the repository failed; the models loaded before are still served."]
